import type { Catalog, ColumnEntry, Constraint, Grant, Relation, RelationKind, Routine, SchemaEntry, UserType } from './catalog.ts';
import { diagramOf, type Diagram } from './diagram.ts';
import { createAnchors, keyOf, oneLine, qualified, sentence, shownName } from './names.ts';

/** The dictionary before it is written in any form. */
export interface Dictionary {
  readonly title: string;
  readonly comment: string | undefined;
  readonly facts: readonly string[];
  readonly schemas: readonly SchemaPart[];
}

export interface SchemaPart {
  readonly anchor: string;
  readonly name: string;
  readonly comment: string | undefined;
  readonly facts: readonly string[];
  readonly lists: readonly List[];
  /** Undefined where no table refers to another. */
  readonly diagram: Diagram | undefined;
  readonly groups: readonly { readonly title: string; readonly entries: readonly Entry[] }[];
}

/** One object. */
export interface Entry {
  readonly anchor: string;
  /** Of a relation: what diagrams know it by. */
  readonly key: string | undefined;
  readonly name: string;
  readonly facts: readonly string[];
  readonly comment: string | undefined;
  /** SQL that says what it is, such as a signature. */
  readonly code: string | undefined;
  readonly columns: readonly ColumnLine[];
  readonly lists: readonly List[];
}

export interface ColumnLine {
  readonly name: string;
  readonly type: string;
  readonly isNotNull: boolean;
  readonly fallback: string | undefined;
  /** `PK`, `FK`, `U`: which keys it is part of. */
  readonly keys: readonly string[];
  readonly comment: string | undefined;
}

/** Keys, indexes, triggers, rights: SQL and, where there is one, its comment. */
export interface List {
  readonly title: string;
  readonly items: readonly { readonly code: string; readonly text: string | undefined }[];
}

const GROUPS: readonly (readonly [string, readonly RelationKind[]])[] = [
  ['Tables', ['table', 'partitioned table', 'foreign table']],
  ['Views', ['view', 'materialized view']],
  ['Sequences', ['sequence']],
];

/** What the dictionary says of a catalog. The same catalog gives the same, to the letter. */
export function describeCatalog(catalog: Catalog, title: string): Dictionary {
  const anchors = createAnchors();
  const count = (kinds: readonly RelationKind[]): number =>
    catalog.schemas.flatMap(({ relations }) => relations).filter(({ kind }) => kinds.includes(kind)).length;
  return {
    title,
    comment: sentence(catalog.comment),
    facts: [
      [
        counted(catalog.schemas.length, 'schema'),
        counted(count(GROUPS[0]?.[1] ?? []), 'table'),
        counted(count(['view', 'materialized view']), 'view'),
        counted(
          catalog.schemas.reduce((sum, { routines }) => sum + routines.length, 0),
          'routine',
        ),
      ].join(', '),
      ...(catalog.extensions.length === 0 ? [] : [`extensions: ${catalog.extensions.map(shownName).join(', ')}`]),
    ],
    schemas: catalog.schemas.map((schema) => schemaPart(catalog, schema, anchors)),
  };
}

type Anchors = ReturnType<typeof createAnchors>;

function schemaPart(catalog: Catalog, schema: SchemaEntry, anchors: Anchors): SchemaPart {
  const relations = GROUPS.map(([title, kinds]) => ({
    title,
    entries: schema.relations.filter(({ kind }) => kinds.includes(kind)).map((relation) => relationEntry(relation, anchors)),
  }));
  const groups = [
    ...relations,
    { title: 'Types', entries: schema.types.map((type) => typeEntry(type, anchors)) },
    { title: 'Routines', entries: schema.routines.map((routine) => routineEntry(routine, anchors)) },
  ];
  return {
    anchor: anchors('schema', schema.name),
    name: shownName(schema.name),
    comment: sentence(schema.comment),
    facts: [`owner ${shownName(schema.owner)}`],
    lists: grantList(schema.grants),
    diagram: diagramOf(catalog, schema),
    groups: groups.filter(({ entries }) => entries.length > 0),
  };
}

function relationEntry(relation: Relation, anchors: Anchors): Entry {
  const isView = relation.kind === 'view' || relation.kind === 'materialized view';
  return {
    anchor: anchors('relation', relation.schema, relation.name),
    key: keyOf(relation),
    name: qualified(relation),
    facts: [
      relation.kind,
      `owner ${shownName(relation.owner)}`,
      ...(relation.isUnlogged ? ['unlogged: emptied by a crash'] : []),
      ...(relation.server === undefined ? [] : [`server ${shownName(relation.server)}`]),
      ...(relation.partitionKey === undefined ? [] : [`partitioned by ${oneLine(relation.partitionKey)}`]),
      ...relation.parents.map((parent) => `${relation.partitionBound === undefined ? 'inherits' : 'partition of'} ${qualified(parent)}`),
      ...(relation.partitionBound === undefined ? [] : [oneLine(relation.partitionBound)]),
      ...(relation.rowSecurity === 'off' ? [] : [`row level security ${relation.rowSecurity}`]),
      ...(relation.isSecurityInvoker ? ["read with the reader's own rights"] : []),
    ],
    comment: sentence(relation.comment),
    code: undefined,
    columns: relation.columns.map((column) => columnLine(column, relation.constraints)),
    lists: [
      list('Keys and conditions', relation.constraints, ({ name, definition }) => `${shownName(name)} ${definition}`),
      list('Indexes', relation.indexes, ({ definition, isValid }) => `${shortIndex(definition)}${isValid ? '' : ' -- INVALID'}`),
      list('Triggers', relation.triggers, ({ definition, isEnabled }) => `${shortTrigger(definition)}${isEnabled ? '' : ' -- DISABLED'}`),
      {
        title: 'Row policies',
        items: relation.policies.map((policy) => ({
          code: oneLine(
            [
              `${shownName(policy.name)} ${policy.isPermissive ? '' : 'AS RESTRICTIVE '}FOR ${policy.command} TO ${policy.roles.map(roleName).join(', ')}`,
              ...(policy.using === undefined ? [] : [`USING (${policy.using})`]),
              ...(policy.check === undefined ? [] : [`WITH CHECK (${policy.check})`]),
            ].join(' '),
          ),
          text: sentence(policy.comment),
        })),
      },
      ...(isView ? [{ title: 'Reads', items: relation.reads.map((read) => ({ code: qualified(read), text: undefined })) }] : []),
      ...grantList(relation.grants, relation.columns),
    ].filter(({ items }) => items.length > 0),
  };
}

function columnLine(column: ColumnEntry, constraints: readonly Constraint[]): ColumnLine {
  const marks: Readonly<Partial<Record<Constraint['kind'], string>>> = { 'primary key': 'PK', 'foreign key': 'FK', unique: 'U' };
  const keys = constraints.filter(({ columns }) => columns.includes(column.name)).flatMap(({ kind }) => marks[kind] ?? []);
  const { collation, isInherited } = column;
  return {
    name: shownName(column.name),
    type: `${oneLine(column.type)}${collation === undefined ? '' : ` COLLATE ${oneLine(collation)}`}`,
    isNotNull: column.isNotNull,
    fallback: column.fallback === undefined ? undefined : oneLine(column.fallback),
    keys: [...new Set(keys)],
    comment: isInherited && column.comment === undefined ? 'inherited' : sentence(column.comment),
  };
}

function typeEntry(type: UserType, anchors: Anchors): Entry {
  const title = { enum: 'Labels', domain: 'Is', composite: 'Attributes', range: 'Is' }[type.kind];
  return {
    anchor: anchors('type', type.schema, type.name),
    key: undefined,
    name: qualified(type),
    facts: [type.kind, `owner ${shownName(type.owner)}`],
    comment: sentence(type.comment),
    code: undefined,
    columns: [],
    lists: [{ title, items: type.definition.map((each) => ({ code: oneLine(each), text: undefined })) }, ...grantList(type.grants)],
  };
}

function routineEntry(routine: Routine, anchors: Anchors): Entry {
  const returns = routine.returns === undefined ? '' : ` RETURNS ${routine.returns}`;
  return {
    anchor: anchors('routine', routine.schema, routine.name, routine.identity),
    key: undefined,
    name: `${qualified(routine)}(${oneLine(routine.identity)})`,
    facts: [
      routine.kind,
      routine.language,
      ...(routine.kind === 'procedure' ? [] : [routine.volatility]),
      ...(routine.isSecurityDefiner ? [`runs with the rights of ${shownName(routine.owner)}`] : [`owner ${shownName(routine.owner)}`]),
      ...routine.settings.map((setting) => `sets ${oneLine(setting)}`),
    ],
    comment: sentence(routine.comment),
    code: oneLine(`${qualified(routine)}(${routine.signature})${returns}`),
    columns: [],
    lists: grantList(routine.grants),
  };
}

function list<T extends { readonly comment: string | undefined }>(title: string, parts: readonly T[], code: (part: T) => string): List {
  return { title, items: parts.map((part) => ({ code: oneLine(code(part)), text: sentence(part.comment) })) };
}

/** Rights on the object, then those on single columns. */
function grantList(grants: readonly Grant[], columns: readonly ColumnEntry[] = []): readonly List[] {
  const items = [
    ...grants.map(({ grantee, privileges }) => `${roleName(grantee)}: ${privileges.join(', ')}`),
    ...columns.flatMap((column) =>
      column.grants.map(({ grantee, privileges }) => `${roleName(grantee)}: ${privileges.join(', ')} (${shownName(column.name)})`),
    ),
  ];
  return items.length === 0 ? [] : [{ title: 'Who may', items: items.map((code) => ({ code, text: undefined })) }];
}

const roleName = (role: string): string => (role === 'PUBLIC' ? role : shownName(role));

/** `UNIQUE name USING btree (…) WHERE …`: without what the heading says. */
function shortIndex(definition: string): string {
  return definition
    .replace(/^CREATE (UNIQUE )?INDEX /, '$1')
    .replace(/ ON (?:ONLY )?(?:"(?:[^"]|"")*"|[^\s".]+)\.(?:"(?:[^"]|"")*"|[^\s"]+)(?= USING )/, '');
}

function shortTrigger(definition: string): string {
  return definition.replace(/^CREATE (?:CONSTRAINT )?TRIGGER /, '');
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
