import { createHash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sql, TransactionSql } from 'postgres';
import { DbadminError } from '../../base/errors.ts';
import { copyInStream, copyOutStream } from '../../postgres/copy-stream.ts';
import type { CopyEncoding } from './copy-encoding.ts';
import {
  columnList,
  constraintsUnknownTo,
  countMissingSql,
  createTableSql,
  finishTableSql,
  insertRowsSql,
  missingRowsSql,
  qualified,
  type TableDefinition,
} from './definition.ts';
import type { InsertBehaviour } from './insert-inspect.ts';

/** What was copied. */
export interface CopiedRows {
  readonly rows: number;
  /** Of the text that was copied, hex. */
  readonly sha256: string;
}

/** CSV with every text in quotes: an empty text and no value at all stay apart. */
const CSV = "FORMAT csv, HEADER true, FORCE_QUOTE *, NULL ''";
const CSV_IN = "FORMAT csv, HEADER true, NULL ''";

/** The rows of a table as CSV with a header, ordered as the table has them. */
export async function copyOut(sql: Sql | TransactionSql, definition: TableDefinition, encoding: CopyEncoding = 'UTF8'): Promise<Readable> {
  const { schema, name } = definition;
  const columns = columnList(definition);
  return await copyOutStream(
    sql,
    `COPY (SELECT ${columns} FROM ${qualified(schema, name)}) TO STDOUT WITH (${CSV}, ENCODING '${encoding}')`,
  );
}

/**
 * Makes a new table of the definition in `schema` and fills it; constraints and indexes come after the rows.
 *
 * @throws {DbadminError} `refused`, naming it, for a constraint that this server cannot have.
 */
export async function fillNewTable(
  sql: TransactionSql,
  definition: TableDefinition,
  to: { readonly schema: string; readonly name: string },
  csv: Readable,
  encoding: CopyEncoding,
): Promise<CopiedRows> {
  await refuseUnknownConstraints(sql, definition);
  await sql.unsafe(createTableSql(definition, to.schema, to.name));
  const copied = await copyIn(sql, definition, qualified(to.schema, to.name), csv, encoding);
  for (const statement of finishTableSql(definition, to.schema, to.name)) await sql.unsafe(statement);
  return copied;
}

async function refuseUnknownConstraints(sql: TransactionSql, definition: TableDefinition): Promise<void> {
  const [server] = await sql<{ major: number }[]>`select current_setting('server_version_num')::int / 10000 as major`;
  const [unknown] = constraintsUnknownTo(server?.major ?? 0, definition);
  if (unknown === undefined) return;
  throw new DbadminError(
    'refused',
    `PostgreSQL ${server?.major} cannot have constraint ${unknown.name} of ${qualified(definition.schema, definition.name)}`,
    {
      detail: `It is ${unknown.definition}, which came with PostgreSQL 18. Nothing was changed.`,
      hint: 'Copy the table into a database of PostgreSQL 18 or newer.',
    },
  );
}

const STAGED = 'pg_temp.dbadmin_import';
export const MISSING = 'pg_temp.dbadmin_missing';

/** Puts rows beside the table that they are for, until the transaction ends. */
export async function stageRows(
  sql: TransactionSql,
  definition: TableDefinition,
  to: { readonly schema: string; readonly name: string },
  csv: Readable,
  encoding: CopyEncoding,
): Promise<CopiedRows> {
  await sql.unsafe(
    `CREATE TEMPORARY TABLE dbadmin_import ON COMMIT DROP AS SELECT ${columnList(definition)} FROM ${qualified(to.schema, to.name)} WITH NO DATA`,
  );
  return await copyIn(sql, definition, STAGED, csv, encoding);
}

/** Puts those of the staged rows that the table has not got beside the others; gives how many. */
export async function stageMissingRows(
  sql: TransactionSql,
  definition: TableDefinition,
  to: { readonly schema: string; readonly name: string },
): Promise<number> {
  const { count } = await sql.unsafe(
    `CREATE TEMPORARY TABLE dbadmin_missing ON COMMIT DROP AS ${missingRowsSql(definition, STAGED, qualified(to.schema, to.name))}`,
  );
  return count;
}

/**
 * Inserts the missing rows; gives how many are not in the table afterwards as they were staged, where anything of the table's own can
 * have changed them or kept them out.
 */
export async function insertMissingRows(
  sql: TransactionSql,
  definition: TableDefinition,
  to: { readonly schema: string; readonly name: string },
  { generated, triggers }: InsertBehaviour,
): Promise<number> {
  const target = qualified(to.schema, to.name);
  await sql.unsafe(insertRowsSql(definition, generated, MISSING, target));
  if (generated.length + triggers.length === 0) return 0;
  // What is deferred to the commit would come after the look.
  await sql.unsafe('SET CONSTRAINTS ALL IMMEDIATE');
  const [unlike] = await sql.unsafe<{ count: number }[]>(countMissingSql(definition, MISSING, target));
  return unlike?.count ?? 0;
}

async function copyIn(
  sql: TransactionSql,
  definition: TableDefinition,
  table: string,
  csv: Readable,
  encoding: CopyEncoding,
): Promise<CopiedRows> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const into = await copyInStream(sql, `COPY ${table} (${columnList(definition)}) FROM STDIN WITH (${CSV_IN}, ENCODING '${encoding}')`);
  await pipeline(csv, hashing, into);
  const [row] = await sql.unsafe<{ count: string }[]>(`SELECT count(*)::text AS count FROM ${table}`);
  return { rows: Number(row?.count ?? 0), sha256: hash.digest('hex') };
}
