import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Peers } from './peers.ts';
import { Server } from './server.ts';

const TABLES = `select format('%I.%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpersistence = 'p' and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
  order by 1`;
/** Nothing works beside the comparison, and the start does not sync each of 200,000 files by itself. */
const CLONE_SETTINGS = { archive_mode: 'off', summarize_wal: 'off', autovacuum: 'off', recovery_init_sync_method: 'syncfs' };
/** Tables asked about in one query: a round of psql for each of many thousands would take longer than all else. */
const AT_ONCE = 500;

/**
 * A line for each table of each database: how many rows, and a digest of all of them that does not depend on their order
 * (each row is hashed as text, the hashes are added). Every page of every table is read for it.
 */
export async function fingerprint(server: Server): Promise<ReadonlyMap<string, string>> {
  const prints = new Map<string, string>();
  for (const database of await server.query('select datname from pg_database where datallowconn order by 1')) {
    const tables = await server.query(TABLES, database);
    for (let at = 0; at < tables.length; at += AT_ONCE) {
      const questions = tables
        .slice(at, at + AT_ONCE)
        .map((table) => `select '${table.replaceAll("'", "''")}', count(*), sum(hashtextextended(t::text, 0)) from ${table} t`);
      for (const line of await server.query(questions.join(' union all '), database)) {
        const [table = '', ...digest] = line.split('|');
        prints.set(`${database}: ${table}`, digest.join(' '));
      }
    }
  }
  return prints;
}

/**
 * Starts the restored cluster in `directory`, recovers it, compares all its rows with `expected`, and removes it.
 *
 * @throws {Error} naming the tables that differ, or why the server does not open.
 */
export async function verifyRestored(peers: Peers, directory: string, expected: ReadonlyMap<string, string>): Promise<void> {
  // Our restore lays the WAL for the recovery beside it; where root restored, both are another user's.
  const directories = [directory, `${directory}.wal`].filter((each) => existsSync(each));
  for (const each of directories) await peers.own(each);
  // Only this server's recovery may read the archive, and nobody's clone writes to it.
  const server = await Server.start(peers, 'restored', directory, CLONE_SETTINGS);
  let found: ReadonlyMap<string, string>;
  try {
    found = await fingerprint(server);
  } finally {
    await server.stop();
  }
  const names = new Set([...expected.keys(), ...found.keys()]);
  const different = [...names].filter((name) => expected.get(name) !== found.get(name));
  if (different.length > 0)
    throw new Error(`the restored rows differ in ${different.length} of ${names.size} tables: ${different.slice(0, 3).join(', ')}`);
  for (const each of directories) await rm(each, { recursive: true, force: true });
}
