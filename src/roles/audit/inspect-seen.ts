import type { TransactionSql } from 'postgres';
import type { SeenLogins } from './state.ts';

/** So much of a file of the log is looked through at once. */
const CHUNK_BYTES = 16 * 1024 * 1024;
const FILE_TIME_MS = 1000;
/** So much of the log is looked through at all: the newest. */
const MOST_BYTES = 4 * 1024 * 1024 * 1024;

/**
 * Which logins the server's log shows since `since`: PostgreSQL itself keeps no date of the last login.
 *
 * Gives a sentence instead when the log cannot tell: connections are not logged, it does not go back far enough, or it may not
 * be read.
 */
export async function inspectSeen(sql: TransactionSql, since: Date): Promise<SeenLogins | string> {
  const [about] = await sql<{ logs: string; collects: boolean; reads: boolean }[]>`
    select current_setting('log_connections') as logs, current_setting('logging_collector')::bool as collects,
           has_function_privilege('pg_catalog.pg_ls_logdir()', 'execute')
             and has_function_privilege('pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean)', 'execute') as reads`;
  const cannot = (why: string): string => `logins that nobody uses were not looked for: ${why}`;
  if (about === undefined || !isLogged(about.logs)) return cannot('log_connections is off, and the server keeps no other date of logins');
  if (!about.collects) return cannot('logging_collector is off, so the log is not where SQL can read it');
  if (!about.reads) return cannot("the role that is connected may not read the server's log (pg_monitor and pg_read_server_files)");
  const rows = await sql<{ name: string; size: number; at: string }[]>`
    select name, size::float8 as size, to_json(modification) as at from pg_catalog.pg_ls_logdir() order by modification desc`;
  const files = rows.map((row) => ({ ...row, at: new Date(row.at) }));
  const oldest = files.at(-1)?.at;
  // A file's own beginning is not known; that an older one was written before is. Times of files are cut to the second.
  if (oldest === undefined || oldest.getTime() + FILE_TIME_MS > since.getTime())
    return cannot(`the log does not go back to ${since.toISOString()}`);
  const logins = new Set<string>();
  let left = MOST_BYTES;
  for (const { name, size, at } of files) {
    if (at.getTime() + FILE_TIME_MS < since.getTime()) break;
    if (left < size) return cannot(`the log since ${since.toISOString()} is larger than 4 GB`);
    left -= size;
    for (let offset = 0; offset < size; offset += CHUNK_BYTES) for (const login of await loginsIn(sql, name, offset)) logins.add(login);
  }
  for (const { login } of await sql<{ login: string }[]>`
    select distinct usename::text as login from pg_catalog.pg_stat_activity where usename is not null`)
    logins.add(login);
  return { since, logins };
}

function isLogged(setting: string): boolean {
  return /^(on|true|yes|1|all)$/i.test(setting.trim()) || /\bauthorization\b|\ball\b/i.test(setting);
}

/** The names in a part of a file, found by the server; a line cut by the end of a part is in the overlap. */
async function loginsIn(sql: TransactionSql, name: string, offset: number): Promise<readonly string[]> {
  const rows = await sql<{ login: string }[]>`
    select distinct m[1] as login
      from regexp_matches(
        pg_catalog.encode(pg_catalog.pg_read_binary_file(current_setting('log_directory') || '/' || ${name}::text, ${offset}::bigint, ${CHUNK_BYTES + 4096}::bigint, true), 'escape'),
        'connection authorized: user=(.*?)(?: database=| application_name=| SSL | GSS |[\\r\\n"]|$)', 'g') m`;
  return rows.map(({ login }) => unescapeBytes(login));
}

/** The text that encode(…, 'escape') made of bytes: `\303` for one beyond ASCII, `\\` for the backslash. */
function unescapeBytes(text: string): string {
  const bytes = [...text.matchAll(/\\([0-7]{3})|\\\\|([\s\S])/g)].map(([whole, octal]) =>
    octal === undefined ? whole.charCodeAt(0) : Number.parseInt(octal, 8),
  );
  return Buffer.from(bytes).toString('utf8');
}
