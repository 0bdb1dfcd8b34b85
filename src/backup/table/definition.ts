import { foldName, quoteLiteral, quoteName } from '../../postgres/quote.ts';

/** A table as far as its rows and its own rules go: what is needed to make one like it elsewhere. Plain JSON. */
export interface TableDefinition {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly ColumnDefinition[];
  /** Checks, primary key, unique and exclusion constraints, and each NOT NULL that is NOT VALID, as PostgreSQL writes them; foreign keys stay behind. */
  readonly constraints: readonly { readonly name: string; readonly definition: string }[];
  /** Indexes that belong to no constraint, as PostgreSQL writes them with the table's name left open: `… ON %table% USING …`. */
  readonly indexes: readonly { readonly name: string; readonly definition: string }[];
  readonly comment: string | null;
}

export interface ColumnDefinition {
  readonly name: string;
  /** As format_type writes it, with its schema where it is not built in. */
  readonly type: string;
  /** Collation with its schema when it is not the type's own. */
  readonly collation: string | null;
  /** Whether no row is without a value: not where a constraint of 18 says so that is NOT VALID. */
  readonly notNull: boolean;
  readonly comment: string | null;
}

/** Where `%table%` stands in an index's definition. */
export const TABLE_MARK = '%table%';

export function qualified(schema: string, name: string): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/** The statement that makes an empty table of these columns. Defaults are left out: every row brings all its values. */
export function createTableSql({ columns }: TableDefinition, schema: string, name: string): string {
  const lines = columns.map(({ name: column, type, collation, notNull }) =>
    [quoteName(column), type, collation === null ? '' : `COLLATE ${collation}`, notNull ? 'NOT NULL' : '']
      .filter((word) => word !== '')
      .join(' '),
  );
  return `CREATE TABLE ${qualified(schema, name)} (${lines.join(', ')})`;
}

/** Constraints, indexes and comments, to be made once the rows are there. */
export function finishTableSql(definition: TableDefinition, schema: string, name: string): readonly string[] {
  const table = qualified(schema, name);
  return [
    ...definition.constraints.map(
      ({ name: constraint, definition: text }) => `ALTER TABLE ${table} ADD CONSTRAINT ${quoteName(constraint)} ${text}`,
    ),
    ...definition.indexes.map(({ definition: text }) => text.replace(TABLE_MARK, () => table)),
    ...(definition.comment === null ? [] : [`COMMENT ON TABLE ${table} IS ${quoteLiteral(definition.comment)}`]),
    ...definition.columns.flatMap((column) =>
      column.comment === null ? [] : [`COMMENT ON COLUMN ${table}.${quoteName(column.name)} IS ${quoteLiteral(column.comment)}`],
    ),
  ];
}

/** Constraints that a server of this major cannot have: a NOT NULL of its own, and what is not enforced. */
export function constraintsUnknownTo(major: number, { constraints }: TableDefinition): TableDefinition['constraints'] {
  return major >= 18 ? [] : constraints.filter(({ definition }) => /^NOT NULL | NOT ENFORCED$/.test(definition));
}

/** The columns, for COPY. */
export function columnList({ columns }: TableDefinition): string {
  return columns.map(({ name }) => quoteName(name)).join(', ');
}

/** Of a row beside its columns: itself as text, which every type has, and which of its equals it is. No column is called so. */
const ROW_TEXT = '"dbadmin: row"';
const ROW_COPY = '"dbadmin: copy"';

function numberedSql(columns: string, table: string): string {
  return `SELECT ${columns}, ${ROW_TEXT}, row_number() OVER (PARTITION BY ${ROW_TEXT}) AS ${ROW_COPY} FROM (SELECT ${columns}, ROW(${columns})::text AS ${ROW_TEXT} FROM ${table}) AS rows_of`;
}

function notInSql(columns: string, table: string): string {
  return `NOT EXISTS (SELECT 1 FROM (${numberedSql(columns, table)}) AS old WHERE old.${ROW_TEXT} = new.${ROW_TEXT} AND old.${ROW_COPY} = new.${ROW_COPY})`;
}

/**
 * Those rows of `source` that `target` has not got: a row that stands n times in the one and m times in the other comes n − m times, so
 * that inserting them twice adds nothing.
 */
export function missingRowsSql(definition: TableDefinition, source: string, target: string): string {
  const columns = columnList(definition);
  return `SELECT * FROM (${numberedSql(columns, source)}) AS new WHERE ${notInSql(columns, target)}`;
}

/** How many rows of `missing`, made of {@link missingRowsSql}, are not in `target` as they are there. */
export function countMissingSql(definition: TableDefinition, missing: string, target: string): string {
  return `SELECT count(*)::int AS count FROM ${missing} AS new WHERE ${notInSql(columnList(definition), target)}`;
}

/** Inserts rows with the values that they have, also where the table would give them others. What it generates cannot be given to it. */
export function insertRowsSql({ columns }: TableDefinition, generated: readonly string[], source: string, target: string): string {
  const list = columns
    .filter(({ name }) => !generated.includes(name))
    .map(({ name }) => quoteName(name))
    .join(', ');
  return `INSERT INTO ${target} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM ${source}`;
}

/** Parts of `schema.table`, each quoted as PostgreSQL has it or not; undefined for another form. */
export function parseTableName(text: string): { readonly schema: string; readonly name: string } | undefined {
  const part = '("(?:[^"]|"")+"|[^."]+)';
  const match = new RegExp(`^${part}\\.${part}$`).exec(text.trim());
  if (match === null) return undefined;
  const [schema = '', name = ''] = match
    .slice(1)
    .map((each) => (each.startsWith('"') ? each.slice(1, -1).replaceAll('""', '"') : foldName(each)));
  return { schema, name };
}
