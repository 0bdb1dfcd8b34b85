import { quoteLiteral, quoteName } from '../../postgres/quote.ts';
import { qualified, type ColumnDefinition, type TableDefinition } from './definition.ts';
import { clip } from './free-names.ts';
import type { TableName } from './transfer-run.ts';

/** What is wanted back of a table, by the names it had at the moment of the clone. */
export type RescueItem =
  | { readonly kind: 'table'; readonly table: TableName }
  | { readonly kind: 'columns'; readonly table: TableName; readonly columns: readonly string[] }
  | { readonly kind: 'rows'; readonly table: TableName };

/** A table of the clone, beyond its definition. */
export interface SourceTable {
  readonly definition: TableDefinition;
  /** Columns of the primary key in its order; empty without one. */
  readonly key: readonly string[];
  /** Columns that nobody may insert into. */
  readonly generated: readonly string[];
}

/** The same table in production now, as far as it matters; undefined when there is none of that name. */
export interface PresentTable {
  readonly columns: ReadonlyMap<string, string>;
}

/** The definition of the rescue table: the whole table, or key and columns. */
export function rescueDefinition({ definition, key }: SourceTable, item: RescueItem): TableDefinition {
  if (item.kind !== 'columns' || key.length === 0) return definition;
  const kept = new Set([...key, ...item.columns]);
  return {
    ...definition,
    columns: definition.columns.filter(({ name }) => kept.has(name)),
    constraints: definition.constraints.filter(({ definition: text }) => text.startsWith('PRIMARY KEY')),
    indexes: [],
  };
}

/**
 * The definition with every column of a type in `missing` as text: values whose type went with the rest are worth more than none.
 * Checks and indexes, which may speak of the type, stay behind then.
 */
export function withoutTypes(definition: TableDefinition, missing: ReadonlySet<string>): TableDefinition {
  if (!definition.columns.some(({ type }) => missing.has(type))) return definition;
  return {
    ...definition,
    columns: definition.columns.map((column) => (missing.has(column.type) ? { ...column, type: 'text', collation: null } : column)),
    constraints: definition.constraints.filter(({ definition: text }) => text.startsWith('PRIMARY KEY')),
    indexes: [],
  };
}

/** A name for each item's table in the one rescue schema: its own, with the schema before it where two would be the same. */
export function rescueNames(items: readonly RescueItem[]): readonly string[] {
  const taken = new Set<string>();
  return items.map((item) => {
    const base = item.kind === 'columns' ? `${item.table.name}_columns` : item.table.name;
    const free = [base, `${item.table.schema}_${base}`].map((name) => clip(name)).find((name) => !taken.has(name));
    let name = free ?? clip(base);
    for (let number = 2; taken.has(name); number += 1) name = `${clip(base, 58)}_${number}`;
    taken.add(name);
    return name;
  });
}

/** SQL that puts what was rescued back, to be read before it is run; and what to know about it. */
export interface WayBack {
  readonly statements: readonly string[];
  readonly note: string | undefined;
}

/** How the content of the rescue table `from` gets back to where it was. */
export function wayBack(item: RescueItem, source: SourceTable, from: TableName, present: PresentTable | undefined): WayBack {
  const target = qualified(item.table.schema, item.table.name);
  const rescued = qualified(from.schema, from.name);
  switch (item.kind) {
    case 'table':
      return present === undefined
        ? moveBack(item.table, from)
        : insertBack(source, target, rescued, present, 'a table of that name is there again');
    case 'rows':
      if (present === undefined) return moveBack(item.table, from);
      return insertBack(
        source,
        target,
        rescued,
        present,
        source.key.length === 0 ? 'without a primary key nobody can tell which rows are gone: all that were there came' : undefined,
      );
    case 'columns':
      return columnsBack(item.columns, source, target, rescued, present);
  }
}

function moveBack(table: TableName, from: TableName): WayBack {
  const rename = from.name === table.name ? [] : [`ALTER TABLE ${qualified(table.schema, from.name)} RENAME TO ${quoteName(table.name)};`];
  return {
    statements: [`ALTER TABLE ${qualified(from.schema, from.name)} SET SCHEMA ${quoteName(table.schema)};`, ...rename],
    note: 'defaults, triggers, privileges, owner and foreign keys did not come with it',
  };
}

function insertBack(source: SourceTable, target: string, rescued: string, present: PresentTable, note: string | undefined): WayBack {
  const names = source.definition.columns.map(({ name }) => name);
  const shared = names.filter((name) => present.columns.has(name) && !source.generated.includes(name));
  const left = names.filter((name) => !present.columns.has(name));
  const list = shared.map(quoteName).join(', ');
  const conflict = source.key.length === 0 ? '' : ' ON CONFLICT DO NOTHING';
  const missing = left.length === 0 ? undefined : `it has no column ${left.join(', ')} now`;
  return {
    statements: [`INSERT INTO ${target} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM ${rescued}${conflict};`],
    note: [note, missing].filter((part) => part !== undefined).join('; ') || undefined,
  };
}

function columnsBack(
  columns: readonly string[],
  { definition, key }: SourceTable,
  target: string,
  rescued: string,
  present: PresentTable | undefined,
): WayBack {
  if (key.length === 0) {
    return { statements: [], note: `${target} had no primary key, so the whole table came; match the rows yourself` };
  }
  if (present === undefined) return { statements: [], note: `there is no ${target} now; put the values where they belong` };
  const missingKey = key.filter((name) => !present.columns.has(name));
  if (missingKey.length > 0)
    return { statements: [], note: `${target} has no column ${missingKey.join(', ')} now; match the rows yourself` };
  const wanted = definition.columns.filter(({ name }) => columns.includes(name));
  const match = key.map((name) => `t.${quoteName(name)} = r.${quoteName(name)}`).join(' AND ');
  const notes: string[] = [];
  const statements = wanted.flatMap((column) => columnBack(column, { target, rescued, match, present, notes }));
  return { statements, note: notes.length === 0 ? undefined : notes.join('; ') };
}

function columnBack(
  { name, type, notNull, comment }: ColumnDefinition,
  {
    target,
    rescued,
    match,
    present,
    notes,
  }: {
    readonly target: string;
    readonly rescued: string;
    readonly match: string;
    readonly present: PresentTable;
    readonly notes: string[];
  },
): readonly string[] {
  const now = present.columns.get(name);
  const from = `r.${quoteName(name)}`;
  const update = (to: string, only: string): string =>
    `UPDATE ${target} AS t SET ${quoteName(to)} = ${from} FROM ${rescued} AS r WHERE ${match}${only};`;
  if (now === type) {
    notes.push(`${name} is there: what was written to it since is overwritten`);
    return [update(name, ` AND t.${quoteName(name)}::text IS DISTINCT FROM ${from}::text`)];
  }
  const to = now === undefined ? name : clip(`${name}_rescued`);
  if (now !== undefined) notes.push(`${name} is of type ${now} now: the old values go into a column beside it`);
  if (notNull && now === undefined) notes.push(`${name} was NOT NULL: rows written since have no value`);
  return [
    `ALTER TABLE ${target} ADD COLUMN ${quoteName(to)} ${type};`,
    update(to, ''),
    ...(notNull && now === undefined ? [`ALTER TABLE ${target} ALTER COLUMN ${quoteName(to)} SET NOT NULL;`] : []),
    ...(comment === null ? [] : [`COMMENT ON COLUMN ${target}.${quoteName(to)} IS ${quoteLiteral(comment)};`]),
  ];
}
