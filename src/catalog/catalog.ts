/** What a database is made of, as its system catalog tells it. Everything in a fixed order, so that the same gives the same. */
export interface Catalog {
  readonly database: string;
  readonly comment: string | undefined;
  /** Names of the extensions; what belongs to one is not described. */
  readonly extensions: readonly string[];
  readonly schemas: readonly SchemaEntry[];
}

export interface SchemaEntry {
  readonly name: string;
  readonly owner: string;
  readonly comment: string | undefined;
  readonly grants: readonly Grant[];
  readonly relations: readonly Relation[];
  readonly routines: readonly Routine[];
  readonly types: readonly UserType[];
}

/** What one grantee may do. `privileges` in alphabetical order, each with ` *` where it may be granted on. */
export interface Grant {
  /** A role, or PUBLIC. */
  readonly grantee: string;
  readonly privileges: readonly string[];
}

export type RelationKind = 'table' | 'partitioned table' | 'view' | 'materialized view' | 'foreign table' | 'sequence';

/** A name with its schema, both as stored, unquoted. */
export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

export interface Relation extends QualifiedName {
  readonly kind: RelationKind;
  readonly owner: string;
  readonly comment: string | undefined;
  /** UNLOGGED: emptied by a crash. */
  readonly isUnlogged: boolean;
  /** View whose reader needs the rights on what is behind it. */
  readonly isSecurityInvoker: boolean;
  readonly rowSecurity: 'off' | 'on' | 'forced';
  /** Of a partitioned table: RANGE (played_at). */
  readonly partitionKey: string | undefined;
  /** Of a partition: FOR VALUES FROM …, or DEFAULT. */
  readonly partitionBound: string | undefined;
  /** What it is a partition of or inherits from. */
  readonly parents: readonly QualifiedName[];
  /** Of a foreign table. */
  readonly server: string | undefined;
  /** Of a view: what it reads. */
  readonly reads: readonly QualifiedName[];
  readonly columns: readonly ColumnEntry[];
  readonly constraints: readonly Constraint[];
  /** Those that no constraint rests on. */
  readonly indexes: readonly IndexEntry[];
  readonly triggers: readonly TriggerEntry[];
  readonly policies: readonly PolicyEntry[];
  readonly grants: readonly Grant[];
}

export interface ColumnEntry {
  readonly name: string;
  readonly type: string;
  readonly isNotNull: boolean;
  /** An expression, or how it is generated: GENERATED ALWAYS AS IDENTITY, GENERATED ALWAYS AS (…) STORED. */
  readonly fallback: string | undefined;
  readonly collation: string | undefined;
  readonly isInherited: boolean;
  readonly comment: string | undefined;
  /** Beyond those of the whole relation. */
  readonly grants: readonly Grant[];
}

export interface Constraint {
  readonly name: string;
  readonly kind: 'primary key' | 'unique' | 'foreign key' | 'check' | 'exclusion' | 'trigger';
  readonly definition: string;
  readonly columns: readonly string[];
  /** Of a foreign key. */
  readonly references: (QualifiedName & { readonly columns: readonly string[] }) | undefined;
  readonly comment: string | undefined;
}

export interface IndexEntry {
  readonly name: string;
  readonly definition: string;
  readonly isValid: boolean;
  readonly comment: string | undefined;
}

export interface TriggerEntry {
  readonly name: string;
  readonly definition: string;
  readonly isEnabled: boolean;
  readonly comment: string | undefined;
}

export interface PolicyEntry {
  readonly name: string;
  readonly isPermissive: boolean;
  readonly command: 'ALL' | 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';
  readonly roles: readonly string[];
  readonly using: string | undefined;
  readonly check: string | undefined;
  readonly comment: string | undefined;
}

export interface Routine extends QualifiedName {
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window function' | 'trigger function';
  /** With names and defaults. */
  readonly signature: string;
  /** Types alone: what tells it from others of its name. */
  readonly identity: string;
  readonly returns: string | undefined;
  readonly language: string;
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  readonly isSecurityDefiner: boolean;
  /** SET clauses: search_path=pg_catalog. */
  readonly settings: readonly string[];
  readonly owner: string;
  readonly comment: string | undefined;
  readonly grants: readonly Grant[];
}

export interface UserType extends QualifiedName {
  readonly kind: 'enum' | 'domain' | 'composite' | 'range';
  /** Labels of an enum, base and checks of a domain, attributes of a composite type, subtype of a range. */
  readonly definition: readonly string[];
  readonly owner: string;
  readonly comment: string | undefined;
  readonly grants: readonly Grant[];
}
