import type { Sql } from 'postgres';
import { DbadminError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-word.ts';
import { TAKES_CONNECTIONS_SQL } from '../../postgres/open-database.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { quoteName } from '../../postgres/quote.ts';
import { openTableReader } from '../../postgres/table-client.ts';
import { formatTableName } from '../find/table-name.ts';
import { qualified } from './definition.ts';
import type { TableName } from './transfer-run.ts';

/**
 * Refuses tables that a restored cluster has not, where it was restored to `moment`, as people read it. `source` leads to any database of it.
 *
 * @throws {DbadminError} `usage`.
 */
export async function refuseAbsent(
  source: ConnectionParameters,
  database: string,
  tables: readonly TableName[],
  moment: string,
): Promise<void> {
  const known = await inDatabase(
    source,
    async (sql) =>
      await sql<{ name: string }[]>`
      select datname as name from pg_catalog.pg_database d where ${sql.unsafe(TAKES_CONNECTIONS_SQL)} order by datname`,
  );
  if (!known.some(({ name }) => name === database)) {
    throw new DbadminError('usage', `there was no database ${quoteName(database)} (${moment})`, {
      detail: `There were ${known.map(({ name }) => quoteName(name)).join(', ')}. Nothing was copied.`,
      hint: 'Name the one that the tables were in with --database, or another moment with --to.',
    });
  }
  const absent = await inDatabase({ ...source, database }, async (sql) => {
    const found: TableName[] = [];
    for (const table of tables) {
      const rows = await sql`select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = ${table.schema} and c.relname = ${table.name} and c.relkind in ('r', 'p', 'm')`;
      if (rows.length === 0) found.push(table);
    }
    return found;
  });
  const [first] = absent;
  if (first === undefined) return;
  const names = absent.map(({ schema, name }) => qualified(schema, name)).join(', ');
  const word = shellWord(formatTableName({ schema: first.schema, table: first.name }));
  const within = `--database ${shellWord(database)}`;
  throw new DbadminError('usage', `there was no table ${names} in database ${quoteName(database)} (${moment})`, {
    detail: 'Nothing was copied.',
    hint: `Where it was dropped before: dbadmin wal find --drop ${word} ${within} says when, and --before-drop ${word} in place of the moment restores it as it was then. Where it was made later, another --to; where it is in another database, --database.`,
  });
}

/** Names of all databases of a cluster. */
export async function inspectDatabases(source: ConnectionParameters): Promise<readonly string[]> {
  return await inDatabase(source, async (sql) =>
    (await sql<{ name: string }[]>`select datname as name from pg_catalog.pg_database order by datname`).map(({ name }) => name),
  );
}

async function inDatabase<Value>(parameters: ConnectionParameters, work: (sql: Sql) => Promise<Value>): Promise<Value> {
  const sql = await openTableReader(parameters);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
