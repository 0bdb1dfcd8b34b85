import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { byCatalogAlone } from '../../postgres/catalog-path.ts';
import { openClient } from '../../postgres/client.ts';
import { endedBy } from '../../postgres/ended-by.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import { quoteName } from '../../postgres/quote.ts';
import { inOneSession, openTableReader, openTableWriter, rowSecurityRefusal } from '../../postgres/table-client.ts';
import { copyOut, fillNewTable } from './copy-apply.ts';
import { encodingBetween, inspectEncoding } from './copy-encoding.ts';
import { qualified, type TableDefinition } from './definition.ts';
import { inspectTable } from './definition-inspect.ts';
import { renamedIndexes, withFreeNames, type RenamedIndex } from './free-names.ts';
import { makeMissingSchema, takenNames } from './schema-apply.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface TransferredTable {
  readonly from: TableName;
  readonly to: TableName;
  readonly rows: number;
  /** Indexes that got another name, because something of the schema has theirs. */
  readonly renamed: readonly RenamedIndex[];
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
  signal: AbortSignal,
): Promise<readonly TransferredTable[]> {
  const from = await openTableReader(source);
  const into = await openTableWriter(target);
  try {
    return await endedBy(signal, [from, into], target, async () => {
      return await into.begin(async (transaction) => {
        await makeMissingSchema(transaction, schema);
        return await inOneSession(from, async (reading) => await transferEach(reading, transaction, tables, schema));
      });
    });
  } catch (error) {
    signal.throwIfAborted();
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

/** The role may not look into a schema that is there. */
const FORBIDDEN = '42501';

/**
 * Refuses tables that {@link transferTables} could not make there: to be asked before the long work.
 *
 * @throws {DbadminError} `refused` for one that is there already or a server that takes no writes; `privilege-missing`, `query-failed`.
 */
export async function refuseTransfer(target: ConnectionParameters, tables: readonly TableName[], schema: string): Promise<void> {
  const sql = await openClient(target);
  try {
    await sql.begin(
      async (transaction) => await byCatalogAlone(transaction, async () => await refuseUnfit(transaction, target, tables, schema)),
    );
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    throw new DbadminError(
      systemCodeOf(error) === FORBIDDEN ? 'privilege-missing' : 'query-failed',
      `tables cannot be copied into schema ${quoteName(schema)} of ${describeParameters(target)}`,
      {
        detail: `${messageOf(error)}.`,
        hint: systemCodeOf(error) === FORBIDDEN ? 'Give another schema with --schema, or another role with --into-url.' : undefined,
        cause: error,
      },
    );
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function refuseUnfit(sql: TransactionSql, target: ConnectionParameters, tables: readonly TableName[], schema: string): Promise<void> {
  const [state] = await sql<{ standby: boolean; may: boolean; role: string; database: string }[]>`
    select pg_is_in_recovery() as standby, has_database_privilege(current_database(), 'CREATE') as may,
      quote_ident(current_user) as role, quote_ident(current_database()) as database`;
  if (state?.standby === true)
    throw new DbadminError('refused', `${describeParameters(target)} is a standby: nothing can be copied into it`);
  const [there] = await sql<{ may: boolean; name: string }[]>`
    select has_schema_privilege(oid, 'CREATE') as may, quote_ident(nspname) as name from pg_namespace where nspname = ${schema}`;
  if (there === undefined && state?.may === false) {
    throw new DbadminError('privilege-missing', `role ${state.role} may not make schemas in database ${state.database}`, {
      hint: `An administrator may allow it: GRANT CREATE ON DATABASE ${state.database} TO ${state.role}. Or give a schema that is there with --schema.`,
    });
  }
  await refuseTaken(sql, tables, schema);
  if (there?.may === false) {
    throw new DbadminError('privilege-missing', `role ${state?.role} may not make tables in schema ${there.name}`, {
      hint: `An administrator may allow it: GRANT CREATE ON SCHEMA ${there.name} TO ${state?.role}`,
    });
  }
}

async function refuseTaken(into: Sql | TransactionSql, tables: readonly TableName[], schema: string): Promise<void> {
  for (const { name } of tables) {
    // A table is a type of its name, too. Where only the array of another type has it, PostgreSQL gives that another name.
    const [taken] = await into<{ kind: string }[]>`
      select 'table' as kind from pg_catalog.pg_class where oid = to_regclass(${qualified(schema, name)}) union all
      select 'type' from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
      where n.nspname = ${schema} and t.typname = ${name} and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)`;
    if (taken === undefined) continue;
    throw new DbadminError('refused', `there is a ${taken.kind} ${qualified(schema, name)} already`, {
      hint: `Give another schema with --schema, or take that ${taken.kind} away first.`,
    });
  }
}

async function transferEach(
  from: TransactionSql,
  into: TransactionSql,
  tables: readonly TableName[],
  schema: string,
): Promise<readonly TransferredTable[]> {
  await byCatalogAlone(into, async () => await refuseTaken(into, tables, schema));
  // All of them before the first is copied, which may take hours.
  const definitions: TableDefinition[] = [];
  for (const table of tables) definitions.push(await inspectTable(from, table.schema, table.name));
  const encoding = encodingBetween(await inspectEncoding(from), await inspectEncoding(into));
  const taken = await takenNames(into, schema);
  for (const { name } of tables) taken.add(name);
  const transferred: TransferredTable[] = [];
  for (const source of definitions) {
    const to = { schema, name: source.name };
    const definition = withFreeNames(source, to.name, taken);
    const { rows } = await fillNewTable(into, definition, to, await copyOut(from, source, encoding), encoding);
    transferred.push({ from: { schema: source.schema, name: source.name }, to, rows, renamed: renamedIndexes(source, definition) });
  }
  return transferred;
}
