import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { byCatalogAlone } from '../../postgres/catalog-path.ts';
import { openClient } from '../../postgres/client.ts';
import { endedBy } from '../../postgres/ended-by.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { quoteName } from '../../postgres/quote.ts';
import { inOneSession, openTableReader, openTableWriter, rowSecurityRefusal } from '../../postgres/table-client.ts';
import { copyOut, fillNewTable } from './copy-apply.ts';
import { encodingBetween, inspectEncoding } from './copy-encoding.ts';
import { qualified, type TableDefinition } from './definition.ts';
import { inspectTable } from './definition-inspect.ts';
import { withFreeNames } from './free-names.ts';
import {
  rescueDefinition,
  rescueNames,
  wayBack,
  withoutTypes,
  type PresentTable,
  type RescueItem,
  type SourceTable,
  type WayBack,
} from './rescue-plan.ts';
import type { TableName } from './transfer-run.ts';

/** What became of one wish. */
export type Rescued =
  | (WayBack & { readonly kind: 'rescued'; readonly item: RescueItem; readonly to: TableName; readonly rows: number })
  /** The clone has no such table, or none of the columns. */
  | { readonly kind: 'absent'; readonly item: RescueItem };

/** Wishes whose tables only the clone knows: all tables of a schema. */
export type RescueWish = RescueItem | { readonly kind: 'schema'; readonly schema: string };

/**
 * Copies what was lost from a clone into one new schema of production, all or none: tables whole, of columns the primary key and
 * the values, of rows those whose key is not there any more. Nothing that is there is changed.
 *
 * @throws {DbadminError} `refused` when the schema is there already; `query-failed` when a type is not there any more or a count
 * is not what the clone has.
 */
export async function rescueObjects(
  source: ConnectionParameters,
  target: ConnectionParameters,
  wishes: readonly RescueWish[],
  schema: string,
  signal: AbortSignal,
): Promise<readonly Rescued[]> {
  const from = await openTableReader(source);
  const into = await openTableWriter(target);
  try {
    const items = await itemsOf(from, wishes);
    const names = rescueNames(items);
    return await endedBy(
      signal,
      [from, into],
      target,
      async () =>
        await into.begin(async (transaction) => {
          await refuseSchema(transaction, schema);
          const taken = new Set(names);
          await transaction.unsafe(`CREATE SCHEMA ${quoteName(schema)}`);
          const rescued = await inOneSession(from, async (reading) => {
            const each: Rescued[] = [];
            for (const [index, item] of items.entries()) {
              each.push(await rescueOne(reading, transaction, item, { schema, name: names[index] ?? item.table.name }, taken));
            }
            return each;
          });
          // Nothing was found: no empty schema stays behind.
          if (rescued.every(({ kind }) => kind === 'absent')) await transaction.unsafe(`DROP SCHEMA ${quoteName(schema)}`);
          return rescued;
        }),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DbadminError) throw error;
    const refusal = rowSecurityRefusal(target, error);
    if (refusal !== undefined) throw refusal;
    throw new DbadminError('query-failed', 'what was lost could not be copied, and nothing was changed', {
      detail: messageOf(error),
      hint:
        systemCodeOf(error) === '42501'
          ? 'The role that connects makes a schema and tables in it: GRANT CREATE ON DATABASE … TO it.'
          : 'A table needs its collations and constraints: make again what is missing, or leave that table out with --objects.',
      cause: error,
    });
  } finally {
    await from.end({ timeout: 5 });
    await into.end({ timeout: 5 });
  }
}

/**
 * Refuses a rescue into a schema that is there already: to be asked before the long work too.
 *
 * @throws {DbadminError} `refused`.
 */
export async function refuseExistingSchema(target: ConnectionParameters, schema: string): Promise<void> {
  const sql = await openClient(target);
  try {
    await refuseSchema(sql, schema);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function refuseSchema(sql: Sql | TransactionSql, schema: string): Promise<void> {
  if ((await sql`select 1 from pg_catalog.pg_namespace where nspname = ${schema}`).length === 0) return;
  throw new DbadminError('refused', `there is a schema ${schema} already`, {
    detail: 'An earlier rescue of this run made it.',
    hint: `When it is not needed any more: DROP SCHEMA ${quoteName(schema)} CASCADE;`,
  });
}

async function itemsOf(from: Sql, wishes: readonly RescueWish[]): Promise<readonly RescueItem[]> {
  const items: RescueItem[] = [];
  for (const wish of wishes) {
    if (wish.kind !== 'schema') {
      items.push(wish);
      continue;
    }
    const tables = await from<{ name: string }[]>`
      select c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${wish.schema} and c.relkind in ('r', 'p') and not c.relispartition order by c.relname`;
    items.push(...tables.map(({ name }) => ({ kind: 'table' as const, table: { schema: wish.schema, name } })));
  }
  return items;
}

async function rescueOne(
  from: TransactionSql,
  into: TransactionSql,
  item: RescueItem,
  to: TableName,
  taken: Set<string>,
): Promise<Rescued> {
  const source = await inspectSource(from, item.table);
  if (source === undefined) return { kind: 'absent', item };
  const known = new Set(source.definition.columns.map(({ name }) => name));
  if (item.kind === 'columns' && !item.columns.some((column) => known.has(column))) return { kind: 'absent', item };
  const wanted = rescueDefinition(source, item);
  const missing = await missingTypes(into, wanted);
  const definition = withFreeNames(withoutTypes(wanted, missing), to.name, taken);
  const encoding = encodingBetween(await inspectEncoding(from), await inspectEncoding(into));
  const { rows: copied } = await fillNewTable(into, definition, to, await copyOut(from, wanted, encoding), encoding);
  const [counted] = await from.unsafe<{ rows: string }[]>(
    `SELECT count(*)::text AS rows FROM ${qualified(item.table.schema, item.table.name)}`,
  );
  if (Number(counted?.rows) !== copied) {
    throw new DbadminError(
      'query-failed',
      `${qualified(to.schema, to.name)} has ${copied} rows, and the clone ${counted?.rows}; nothing was changed`,
    );
  }
  const present = await byCatalogAlone(into, async () => await inspectPresent(into, item.table));
  const rows = item.kind === 'rows' ? copied - (await dropPresentRows(into, source, to, item.table, present)) : copied;
  const shown = { ...source, definition: withoutTypes(source.definition, missing) };
  const back = wayBack(item, shown, to, present);
  const texts = wanted.columns.filter(({ type }) => missing.has(type));
  const notes = texts.map(({ name, type }) => `${name} came as text: type ${type} is not there any more`);
  const note = [...notes, ...(back.note === undefined ? [] : [back.note])].join('; ') || undefined;
  return { kind: 'rescued', item, to, rows, statements: back.statements, note };
}

/** Types of the columns that production has not got. */
async function missingTypes(into: TransactionSql, { columns }: TableDefinition): Promise<ReadonlySet<string>> {
  const types = [...new Set(columns.map(({ type }) => type))];
  const rows = await into<{ type: string }[]>`
    select type from json_array_elements_text(${JSON.stringify(types)}::text::json) as t (type) where to_regtype(type) is null`;
  return new Set(rows.map(({ type }) => type));
}

async function inspectSource(from: TransactionSql, { schema, name }: TableName): Promise<SourceTable | undefined> {
  const [there] = await from`select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${name} and c.relkind in ('r', 'p', 'm')`;
  if (there === undefined) return undefined;
  const oid = qualified(schema, name);
  const key = await from<{ name: string }[]>`
    select a.attname as name from pg_catalog.pg_index i cross join unnest(i.indkey) with ordinality k (number, place)
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
    where i.indrelid = ${oid}::regclass and i.indisprimary order by k.place`;
  const generated = await from<{ name: string }[]>`
    select attname as name from pg_catalog.pg_attribute where attrelid = ${oid}::regclass and attgenerated <> '' and not attisdropped`;
  return {
    definition: await inspectTable(from, schema, name),
    key: key.map((each) => each.name),
    generated: generated.map((each) => each.name),
  };
}

async function inspectPresent(into: TransactionSql, { schema, name }: TableName): Promise<PresentTable | undefined> {
  const [there] = await into`select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${name} and c.relkind in ('r', 'p')`;
  if (there === undefined) return undefined;
  const { columns } = await inspectTable(into, schema, name);
  return { columns: new Map(columns.map((column) => [column.name, column.type])) };
}

/** Leaves only the rows that production has not got; gives how many went. Without a key all stay. */
async function dropPresentRows(
  into: TransactionSql,
  { key }: SourceTable,
  rescued: TableName,
  table: TableName,
  present: PresentTable | undefined,
): Promise<number> {
  if (present === undefined || key.length === 0 || key.some((name) => !present.columns.has(name))) return 0;
  const match = key.map((name) => `r.${quoteName(name)} = t.${quoteName(name)}`).join(' AND ');
  const gone = await into.unsafe(
    `DELETE FROM ${qualified(rescued.schema, rescued.name)} AS r USING ${qualified(table.schema, table.name)} AS t WHERE ${match}`,
  );
  return gone.count;
}
