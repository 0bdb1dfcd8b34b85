import type { Catalog, Constraint, Relation, SchemaEntry } from './catalog.ts';
import { keyOf, qualified, shownName } from './names.ts';

/** The tables of a schema that refer to one another, and those of other schemas that they refer to. */
export interface Diagram {
  readonly title: string;
  readonly entities: readonly Entity[];
  readonly references: readonly Reference[];
}

export interface Entity {
  /** Unique in the diagram. */
  readonly id: string;
  /** Without its schema where it is the diagram's own. */
  readonly label: string;
  readonly isForeign: boolean;
  /** Those that are part of a key; a foreign entity has none. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly marks: readonly ('PK' | 'FK' | 'UK')[] }[];
}

export interface Reference {
  readonly from: string;
  readonly to: string;
  readonly columns: readonly string[];
  /** A row may refer to nothing. */
  readonly isOptional: boolean;
  /** At most one row refers to the same. */
  readonly isUnique: boolean;
}

/** The diagram of a schema; undefined where no table of it refers to another. Partitions are their table's. */
export function diagramOf(catalog: Catalog, schema: SchemaEntry): Diagram | undefined {
  const all = new Map(catalog.schemas.flatMap(({ relations }) => relations).map((relation) => [keyOf(relation), relation]));
  const tables = schema.relations.filter(({ partitionBound, kind }) => partitionBound === undefined && kind.endsWith('table'));
  const references = tables.flatMap((table) =>
    table.constraints.flatMap((constraint) =>
      constraint.references === undefined ? [] : [reference(table, constraint, constraint.references)],
    ),
  );
  if (references.length === 0) return undefined;
  const own = new Set(tables.map(keyOf));
  const foreign = [...new Set(references.map(({ to }) => to))].filter((key) => !own.has(key)).sort();
  const connected = new Set(references.flatMap(({ from, to }) => [from, to]));
  return {
    title: shownName(schema.name),
    entities: [
      ...tables.filter((table) => connected.has(keyOf(table))).map((table) => entity(table)),
      ...foreign.map((key) => {
        const [schemaName = '', name = ''] = key.split('\0');
        return { id: key, label: qualified(all.get(key) ?? { schema: schemaName, name }), isForeign: true, columns: [] };
      }),
    ],
    references,
  };
}

function reference(table: Relation, constraint: Constraint, target: NonNullable<Constraint['references']>): Reference {
  const isKey = ({ kind, columns }: Constraint): boolean =>
    (kind === 'primary key' || kind === 'unique') && columns.every((column) => constraint.columns.includes(column));
  return {
    from: keyOf(table),
    to: keyOf(target),
    columns: constraint.columns,
    isOptional: table.columns.some(({ name, isNotNull }) => constraint.columns.includes(name) && !isNotNull),
    isUnique: table.constraints.some(isKey),
  };
}

function entity(table: Relation): Entity {
  const partOf = (kind: Constraint['kind'], column: string): boolean =>
    table.constraints.some((each) => each.kind === kind && each.columns.includes(column));
  const columns = table.columns.map(({ name, type }) => ({
    name: shownName(name),
    type,
    marks: [
      ...(partOf('primary key', name) ? (['PK'] as const) : []),
      ...(partOf('foreign key', name) ? (['FK'] as const) : []),
      ...(partOf('unique', name) && !partOf('primary key', name) ? (['UK'] as const) : []),
    ],
  }));
  return { id: keyOf(table), label: shownName(table.name), isForeign: false, columns: columns.filter(({ marks }) => marks.length > 0) };
}
