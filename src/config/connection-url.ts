import { parseConninfo, type ConninfoSettings } from './conninfo.ts';

/** A connection string taken apart for writing down: the URL without its password, and the password. */
export interface SeparatedUrl {
  readonly url: string;
  readonly password: string | undefined;
}

const IN_AUTHORITY: ReadonlySet<string> = new Set(['user', 'password', 'host', 'port', 'dbname']);

/**
 * The URL of the same connection without its password, and the password apart.
 *
 * @throws {DbadminError} `config-invalid` when `conninfo` cannot be read.
 */
export function separatePassword(conninfo: string): SeparatedUrl {
  const settings = parseConninfo(conninfo);
  return { url: urlOf(settings), password: settings['password'] };
}

function urlOf(settings: ConninfoSettings): string {
  const ports = (settings['port'] ?? '').split(',');
  const hosts = (settings['host'] ?? settings['hostaddr'] ?? '').split(',');
  const places = hosts.map((host, index) => {
    const port = (ports.length === 1 ? ports[0] : ports[index]) ?? '';
    const name = host.includes(':') ? `[${host}]` : encodeURIComponent(host);
    return port === '' ? name : `${name}:${port}`;
  });
  const user = settings['user'] === undefined ? '' : `${encodeURIComponent(settings['user'])}@`;
  const database = settings['dbname'] === undefined ? '' : `/${encodeURIComponent(settings['dbname'])}`;
  const query = Object.entries(settings)
    .filter(([keyword]) => !IN_AUTHORITY.has(keyword) && keyword !== 'hostaddr')
    .map(([keyword, value]) => `${keyword}=${encodeURIComponent(value)}`);
  return `postgresql://${user}${places.join(',')}${database}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

/** A line of a password file that gives `password` to one user of one place, whatever the database, replication included. */
export function passwordFileLine(place: { readonly host: string; readonly port: number }, user: string, password: string): string {
  const escape = (text: string): string => text.replace(/[\\:]/g, (character) => `\\${character}`);
  return `${escape(place.host)}:${place.port}:*:${escape(user)}:${escape(password)}`;
}
