import { DbadminError } from '../base/errors.ts';
import { suggestion } from '../base/spelling.ts';

/** Connection settings by libpq's keyword (`host`, `dbname`, `sslmode`); all text, none checked. */
export type ConninfoSettings = Readonly<Record<string, string>>;

/** The keywords of libpq that dbadmin acts on. */
const UNDERSTOOD = [
  'host',
  'hostaddr',
  'port',
  'user',
  'dbname',
  'password',
  'passfile',
  'service',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'target_session_attrs',
  'connect_timeout',
  'application_name',
] as const;

/** Keywords of libpq that change nothing here, accepted so that a connection string made for psql can be pasted. */
const HARMLESS: readonly string[] = [
  'fallback_application_name',
  'client_encoding',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'gssencmode',
  'sslcompression',
  'sslsni',
  'channel_binding',
];

/**
 * The settings in a connection string: a `postgresql://` URL or `key=value` words, as libpq takes them.
 *
 * A URL may name several hosts, a socket directory percent-encoded, and any keyword as a query parameter.
 *
 * @throws {DbadminError} `config-invalid`, never quoting the string, which may hold a password.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
 */
export function parseConninfo(text: string): ConninfoSettings {
  const settings = /^postgres(ql)?:\/\//.test(text) ? parseUrl(text) : parseWords(text);
  for (const keyword of Object.keys(settings)) checkKeyword(keyword);
  return settings;
}

/** Refuses a keyword that libpq does not have, or whose meaning dbadmin would silently lose. */
export function checkKeyword(keyword: string): void {
  const known: readonly string[] = [...UNDERSTOOD, ...HARMLESS];
  if (known.includes(keyword)) return;
  throw invalid(`"${keyword}" is not a connection setting that dbadmin knows${suggestion(keyword, known)}`);
}

function parseUrl(url: string): ConninfoSettings {
  const rest = url.replace(/^postgres(ql)?:\/\//, '');
  const [beforeQuery, query = ''] = splitOnce(rest, '?');
  const [authority, path] = splitOnce(beforeQuery, '/');
  const at = authority.lastIndexOf('@');
  const [user, password] = at < 0 ? [undefined, undefined] : splitOnce(authority.slice(0, at), ':');
  const settings: Record<string, string> = {};
  const put = (key: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') settings[key] = decode(value);
  };
  put('user', user);
  put('password', password);
  const hosts = authority
    .slice(at + 1)
    .split(',')
    .map((entry) => splitHost(entry));
  put('host', hosts.some(([host]) => host !== '') ? hosts.map(([host]) => host).join(',') : undefined);
  put('port', hosts.some(([, port]) => port !== '') ? hosts.map(([, port]) => port).join(',') : undefined);
  put('dbname', path);
  for (const pair of query.split('&').filter((entry) => entry !== '')) {
    const [key, value] = splitOnce(pair, '=');
    if (value === undefined) throw invalid(`the query parameter "${key}" of the connection URL has no value`);
    // libpq's own exception, for JDBC's sake.
    if (key === 'ssl' && value === 'true') settings['sslmode'] = 'require';
    else settings[decode(key)] = decode(value);
  }
  return settings;
}

function splitHost(entry: string): readonly [host: string, port: string] {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(entry);
  if (match === null) throw invalid('the host of the connection URL cannot be read', 'Write an IPv6 address in brackets: [2001:db8::1].');
  const port = match[3] ?? '';
  if (!/^\d*$/.test(port)) throw invalid('the port in the connection URL is not a number', PASSWORD_HINT);
  return [match[1] ?? match[2] ?? '', port];
}

const PASSWORD_HINT = 'Write / : @ ? # % inside a user name or password percent-encoded: %2F %3A %40 %3F %23 %25.';

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + separator.length)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('the connection URL has a % that begins no percent-encoded character', PASSWORD_HINT);
  }
}

function parseWords(text: string): ConninfoSettings {
  const settings: Record<string, string> = {};
  const word = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\']|\\.)*))(?=\s|$)/gy;
  let end = 0;
  for (const match of text.matchAll(word)) {
    settings[match[1] ?? ''] = (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1');
    end = (match.index ?? 0) + match[0].length;
  }
  if (text.trim() === '' || text.slice(end).trim() !== '') {
    throw invalid('the connection string cannot be read', 'Write postgresql://user@host:port/database or host=… port=… user=… dbname=….');
  }
  return settings;
}

function invalid(message: string, hint?: string): DbadminError {
  return new DbadminError('config-invalid', message, { hint });
}
