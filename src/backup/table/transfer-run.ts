import type { TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { quoteName } from '../../postgres/quote.ts';
import { inOneSession, openTableReader, openTableWriter, rowSecurityRefusal } from '../../postgres/table-client.ts';
import { copyOut, fillNewTable } from './copy-apply.ts';
import { qualified } from './definition.ts';
import { inspectTable } from './definition-inspect.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface TransferredTable {
  readonly from: TableName;
  readonly to: TableName;
  readonly rows: number;
}

const INVALID_SCHEMA_OR_TYPE: ReadonlySet<string> = new Set(['3F000', '42704']);

/**
 * Copies tables from one database into new ones of another, all or none: definition, rows, constraints and indexes; no
 * defaults, triggers, privileges or foreign keys, because those belong to where the table was.
 *
 * @throws {DbadminError} `refused` when a table is there already; `query-failed` naming the type or collation that is missing there.
 */
export async function transferTables(
  source: ConnectionParameters,
  target: ConnectionParameters,
  tables: readonly TableName[],
  schema: string,
): Promise<readonly TransferredTable[]> {
  const from = await openTableReader(source);
  const into = await openTableWriter(target);
  try {
    return await into.begin(async (transaction) => {
      await transaction.unsafe(`CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`);
      return await inOneSession(from, async (reading) => await transferEach(reading, transaction, tables, schema));
    });
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    const refusal = rowSecurityRefusal(target, error);
    if (refusal !== undefined) throw refusal;
    const isMissing = INVALID_SCHEMA_OR_TYPE.has(systemCodeOf(error) ?? '');
    throw new DbadminError('query-failed', 'the tables could not be copied, and nothing was changed', {
      detail: messageOf(error),
      hint: isMissing
        ? 'A table can only go where its types and collations are: make them there, or copy into the database it came from.'
        : undefined,
      cause: error,
    });
  } finally {
    await from.end({ timeout: 5 });
    await into.end({ timeout: 5 });
  }
}

async function transferEach(
  from: TransactionSql,
  into: TransactionSql,
  tables: readonly TableName[],
  schema: string,
): Promise<readonly TransferredTable[]> {
  const transferred: TransferredTable[] = [];
  for (const table of tables) {
    const definition = await inspectTable(from, table.schema, table.name);
    const to = { schema, name: table.name };
    if ((await into`select 1 from pg_catalog.pg_class where oid = to_regclass(${qualified(schema, table.name)})`).length > 0) {
      throw new DbadminError('refused', `there is a table ${qualified(schema, table.name)} already`, {
        hint: 'Give another schema with --schema, or take that table away first.',
      });
    }
    const { rows } = await fillNewTable(into, definition, to, await copyOut(from, definition));
    transferred.push({ from: table, to, rows });
  }
  return transferred;
}
