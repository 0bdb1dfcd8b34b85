import type { AccessDatabase, AccessGraph, AccessGroup, ObjectRef } from './graph.ts';
import type { Asked } from './paths.ts';

/** An object found in a graph, with what else one needs to get to it. */
export interface Target extends Asked {
  readonly ref: ObjectRef;
  /** The schema it is in; a privilege on it is of no use without USAGE there. */
  readonly schema: AccessGroup | undefined;
  /** The database it is in; undefined for what belongs to the whole cluster. */
  readonly database: string | undefined;
}

/** The object that `ref` names, in `database` or in the cluster; undefined when there is none. */
export function findTarget(graph: AccessGraph, database: string, ref: ObjectRef): Target | undefined {
  const isShared = ref.kind === 'database' || ref.kind === 'tablespace' || ref.kind === 'parameter';
  const inside = graph.databases.get(database);
  const groups = isShared ? graph.shared : (inside?.groups ?? []);
  const group = indexed(groups).get(keyOf(ref));
  if (group === undefined) return undefined;
  return {
    ref,
    group,
    column: ref.column === undefined ? undefined : { column: ref.column, acl: columnAcl(inside, ref) },
    schema: ref.schema === undefined ? undefined : schemaGroup(inside, ref.schema),
    database: isShared ? undefined : database,
  };
}

/** Asked for each login and each view on the way: with fifty thousand names a search each time is too slow. */
const indexes = new WeakMap<readonly AccessGroup[], ReadonlyMap<string, AccessGroup>>();

function indexed(groups: readonly AccessGroup[]): ReadonlyMap<string, AccessGroup> {
  const known = indexes.get(groups);
  if (known !== undefined) return known;
  const made = new Map(
    groups.flatMap((group) => group.names.map((name) => [keyOf({ kind: group.kind, schema: group.schema, name }), group] as const)),
  );
  indexes.set(groups, made);
  return made;
}

function keyOf({ kind, schema, name }: Pick<ObjectRef, 'kind' | 'schema' | 'name'>): string {
  return JSON.stringify([kind, schema, name]);
}

function columnAcl(database: AccessDatabase | undefined, ref: ObjectRef): Exclude<Asked['column'], undefined>['acl'] {
  const found = database?.columns.find((each) => each.schema === ref.schema && each.table === ref.name && each.column === ref.column);
  return found?.acl ?? [];
}

export function schemaGroup(database: AccessDatabase | undefined, schema: string): AccessGroup | undefined {
  return database?.groups.find((each) => each.kind === 'schema' && each.names.includes(schema));
}

/** How people call an object: `table core.play`, `column core.play.note`, `parameter work_mem`. */
export function refText(ref: ObjectRef): string {
  const parts = [ref.schema, ref.kind === 'routine' ? undefined : ref.name, ref.column].filter((part) => part !== undefined).map(shownName);
  const name = ref.kind === 'routine' ? [...parts, ref.name].join('.') : ref.kind === 'parameter' ? ref.name : parts.join('.');
  return `${ref.column === undefined ? ref.kind : 'column'} ${name}`;
}

/** A name as SQL would take it. */
export function shownName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
