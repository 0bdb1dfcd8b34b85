import { splitName } from './document/names.ts';
import type { ObjectKind } from './privileges.ts';
import type { DatabaseState, ObjectGroup } from './state.ts';
import { objectsKey } from './wants.ts';

/** Finds the group of an object by its name. */
export interface ObjectIndex {
  find(schema: string, kind: ObjectKind, name: string): ObjectGroup | undefined;
  /** Whether an object is called so; for routines, whatever their arguments. */
  hasName(schema: string, kind: ObjectKind, name: string): boolean;
}

/** Reads a schema's names only when somebody asks for one of them. */
export function objectIndex(state: Pick<DatabaseState, 'groups'>): ObjectIndex {
  const indexes = new Map<string, ReadonlyMap<string, ObjectGroup>>();
  const bareNames = new Map<string, ReadonlySet<string>>();
  const indexOf = (schema: string, kind: ObjectKind): ReadonlyMap<string, ObjectGroup> => {
    const key = objectsKey(schema, kind);
    const known = indexes.get(key);
    if (known !== undefined) return known;
    const made = new Map<string, ObjectGroup>();
    for (const group of state.groups) {
      if (group.schema === schema && group.kind === kind) for (const name of group.names) made.set(name, group);
    }
    indexes.set(key, made);
    return made;
  };
  return {
    find: (schema, kind, name) => indexOf(schema, kind).get(name),
    hasName: (schema, kind, name) => {
      const index = indexOf(schema, kind);
      if (kind !== 'routine') return index.has(name);
      const names = bareNames.get(schema) ?? new Set([...index.keys()].map(routineBareName));
      bareNames.set(schema, names);
      return names.has(name);
    },
  };
}

/** The name of a routine without its arguments and quotes, from how the server prints it. */
export function routineBareName(signature: string): string {
  return splitName(signature)?.parts[0] ?? signature.slice(0, signature.indexOf('('));
}
