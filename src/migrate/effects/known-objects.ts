import { LayeredSet, type Names, type Remembered } from './layered-map.ts';
import { relationKey, type RelationName } from './relation-name.ts';

/** A constraint of a table in a live catalog. */
export interface ConstraintFacts {
  readonly name: string;
  /** As `pg_constraint.contype` has it: `c` check, `f` foreign key, `p` primary key, `u` unique, `x` exclusion, `n` not null. */
  readonly kind: string;
  readonly validated: boolean;
  /** As `pg_get_constraintdef` writes it. */
  readonly definition: string;
  readonly columns: readonly string[];
  /** The table a foreign key points to. */
  readonly references: RelationName | undefined;
}

/** A relation in a live catalog. Names carry their schema. */
export interface RelationFacts {
  readonly relation: RelationName;
  /** As `pg_class.relkind` has it: `r` table, `p` partitioned table, `i` and `I` index, `v` view, `m` materialized view, `S` sequence. */
  readonly kind: string;
  /** Estimated by the last VACUUM or ANALYZE; undefined when there was none. */
  readonly rows: number | undefined;
  /** With indexes and TOAST; for a partitioned table that of its partitions. */
  readonly sizeBytes: number;
  /** Types as `format_type` writes them, by column. */
  readonly columns: ReadonlyMap<string, string>;
  /** Columns that an index uses. */
  readonly indexed: ReadonlySet<string>;
  readonly notNull: ReadonlySet<string>;
  readonly constraints: readonly ConstraintFacts[];
  /** Foreign keys of tables that point here, and the columns here that they point to. */
  readonly referencedBy: readonly { readonly table: RelationName; readonly columns: readonly string[] }[];
  /** The table of an index. */
  readonly table: RelationName | undefined;
  /** What it is a partition of, or inherits from. */
  readonly parents: readonly RelationName[];
  /** All partitions and inheriting tables below it. */
  readonly children: readonly RelationName[];
  readonly defaultPartition: RelationName | undefined;
  /** Views and materialized views that read it, themselves or through others, and the columns of it that they need. */
  readonly views: readonly { readonly view: RelationName; readonly columns: readonly string[] }[];
}

/** What a live server says about the relations that statements name. */
export interface CatalogFacts {
  readonly serverMajor: number;
  /** Undefined for what is not there. Without a schema the search path decides. */
  relation(name: RelationName): RelationFacts | undefined;
  /** `pg_proc.provolatile` of functions of that name, the most volatile of them: `i`, `s`, `v`; undefined for unknown ones. */
  volatility(name: RelationName): string | undefined;
}

/** What is known before a statement runs: what earlier statements of its file made, and the live catalog where there is one. */
export interface KnownObjects {
  /** Keys of relations that exist since an earlier statement of the file. */
  readonly made: Names;
  /** Keys of relations that exist since an earlier file of the same run. */
  readonly earlier: ReadonlySet<string>;
  /** Table of each index that an earlier statement of the file made, by the key of the index. */
  readonly madeIndexes: Remembered<RelationName>;
  /** Keys of relations that an earlier statement renamed or moved, and their names in the catalog. */
  readonly renamed: ReadonlyMap<string, RelationName>;
  /** The first schema of the search path that the file set; undefined while the database's own holds. */
  readonly schema: string | undefined;
  /** Undefined: there is no database to ask. */
  readonly catalog: CatalogFacts | undefined;
}

/** At the beginning of a file, without a database. */
export const NOTHING_KNOWN: KnownObjects = {
  made: LayeredSet.EMPTY,
  earlier: new Set(),
  madeIndexes: new Map(),
  renamed: new Map(),
  schema: undefined,
  catalog: undefined,
};

/** At the beginning of a file, with a database to ask. */
export function knownFrom(catalog: CatalogFacts | undefined): KnownObjects {
  return { ...NOTHING_KNOWN, catalog };
}

/** The key under which a name is remembered: unqualified names are those of the first schema of the search path. */
export function keyOf(relation: RelationName, known: KnownObjects): string {
  return relationKey({ schema: relation.schema ?? known.schema ?? 'public', name: relation.name });
}

/** Whether an earlier statement of the file made it. A temporary table hides others of its name. */
export function isMade(relation: RelationName, known: KnownObjects): boolean {
  if (known.made.has(keyOf(relation, known))) return true;
  return relation.schema === undefined && known.made.has(relationKey({ schema: 'pg_temp', name: relation.name }));
}

/** What the catalog says of a relation that existed before the file; undefined without a database, and for what the file made. */
export function factsOf(relation: RelationName | undefined, known: KnownObjects): RelationFacts | undefined {
  if (relation === undefined || known.catalog === undefined || isMade(relation, known)) return undefined;
  const before = known.renamed.get(keyOf(relation, known)) ?? relation;
  if (before.schema === undefined && known.schema !== undefined) {
    return known.catalog.relation({ schema: known.schema, name: before.name }) ?? known.catalog.relation(before);
  }
  return known.catalog.relation(before);
}

/** Whether it is certain that no such relation exists: there is a database, which does not have it, and the file did not make it. */
export function isAbsent(relation: RelationName | undefined, known: KnownObjects): boolean {
  if (relation === undefined || known.catalog === undefined || isMade(relation, known)) return false;
  if (known.earlier.has(keyOf(relation, known))) return false;
  return factsOf(relation, known) === undefined;
}

/** The table an index belongs to, where that is known. */
export function tableOfIndex(index: RelationName, known: KnownObjects): RelationName | undefined {
  return known.madeIndexes.get(keyOf(index, known)) ?? factsOf(index, known)?.table;
}

/** The tables with foreign keys to a relation, those with keys to them, and so on: what CASCADE reaches. */
export function referencingTables(relation: RelationName, known: KnownObjects): readonly RelationName[] {
  const found = new Map<string, RelationName>();
  const visit = (of: RelationName): void => {
    for (const { table } of factsOf(of, known)?.referencedBy ?? []) {
      const key = relationKey(table);
      if (found.has(key)) continue;
      found.set(key, table);
      visit(table);
    }
  };
  visit(relation);
  return [...found.values()];
}
