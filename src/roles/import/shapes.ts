import { sortPrivileges, type ObjectKind, type Privilege } from '../privileges.ts';
import type { Grantee } from '../state.ts';
import { byText, privilegeWords } from './object-text.ts';
import type { TreeMap } from './tree.ts';

/** What a part of a profile is about. */
export type PartKind = 'schema' | ObjectKind;

export const PART_KINDS: readonly PartKind[] = ['schema', 'table', 'sequence', 'routine', 'type'];
export const PART_KEYS: Readonly<Record<PartKind, string>> = {
  schema: 'schema',
  table: 'tables',
  sequence: 'sequences',
  routine: 'routines',
  type: 'types',
};

/** Privileges by kind, sorted and without doubles: what a profile may be. */
export type Shape = Readonly<Partial<Record<PartKind, readonly Privilege[]>>>;

export function shapeOf(rights: readonly (readonly [kind: PartKind, privilege: Privilege])[]): Shape {
  const shape: Partial<Record<PartKind, readonly Privilege[]>> = {};
  for (const kind of PART_KINDS) {
    const privileges = [...new Set(rights.filter(([each]) => each === kind).map(([, privilege]) => privilege))];
    if (privileges.length > 0) shape[kind] = sortPrivileges(privileges);
  }
  return shape;
}

export function shapeKey(shape: Shape): string {
  return JSON.stringify(PART_KINDS.map((kind) => shape[kind] ?? []));
}

export function shapeSize(shape: Shape): number {
  return PART_KINDS.reduce((sum, kind) => sum + (shape[kind]?.length ?? 0), 0);
}

/** Whether `inner` gives nothing that `outer` does not. */
export function isWithin(inner: Shape, outer: Shape): boolean {
  return PART_KINDS.every((kind) => (inner[kind] ?? []).every((privilege) => outer[kind]?.includes(privilege) === true));
}

/**
 * A grantee that holds a shape on the whole of a schema.
 *
 * `access` covers what is there and what the creators will make, with CONNECT and USAGE; `grants` what is there; `future`
 * default privileges alone, where no schema means anywhere.
 */
export interface Use {
  readonly level: 'access' | 'grants' | 'future';
  readonly database: string;
  readonly schema: string | undefined;
  readonly grantee: Grantee;
  readonly grantable: boolean;
  readonly shape: Shape;
  /** For `future`: whose new objects, sorted. */
  readonly creators: readonly string[];
}

/** A shape that several uses share, under the name it has in the file. */
export interface FoundProfile {
  readonly name: string;
  readonly shape: Shape;
  /** A smaller profile that this one adds to. */
  readonly include: string | undefined;
}

/**
 * The shapes worth a name: those that two or more grantees or schemas share. One privilege alone is worth it only where the
 * line covers the future too; elsewhere a `grant` line is as short.
 */
export function findProfiles(uses: readonly Use[]): readonly FoundProfile[] {
  const shared = new Map<string, { readonly shape: Shape; count: number; isAccess: boolean }>();
  for (const { shape, level } of uses) {
    const found = shared.get(shapeKey(shape)) ?? { shape, count: 0, isAccess: false };
    shared.set(shapeKey(shape), found);
    found.count += 1;
    found.isAccess ||= level === 'access';
  }
  const chosen = [...shared.values()]
    .filter(({ shape, count, isAccess }) => count > 1 && (shapeSize(shape) > 1 || isAccess))
    .map(({ shape }) => shape)
    .sort((left, right) => shapeSize(left) - shapeSize(right) || byText(shapeKey(left), shapeKey(right)));
  const profiles: FoundProfile[] = [];
  const taken = new Set<string>();
  for (const shape of chosen) {
    const name = freeName(nameOf(shape), taken);
    taken.add(name);
    const smaller = profiles.filter((each) => isWithin(each.shape, shape)).at(-1);
    profiles.push({ name, shape, include: smaller?.name });
  }
  return profiles;
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}_${number}`;
    if (!taken.has(name)) return name;
  }
}

/** What people call such a set of privileges. */
function nameOf(shape: Shape): string {
  const tables = shape.table ?? [];
  const has = (...wanted: readonly Privilege[]): boolean => wanted.every((each) => tables.includes(each));
  if (tables.length === 0) {
    if (shape.routine !== undefined) return 'caller';
    return shape.sequence === undefined ? 'visitor' : 'numberer';
  }
  if (has('TRUNCATE', 'REFERENCES', 'TRIGGER', 'INSERT', 'UPDATE', 'DELETE')) return 'full';
  if (has('INSERT', 'UPDATE', 'DELETE')) return 'writer';
  if (has('INSERT') && !has('UPDATE') && !has('DELETE')) return 'appender';
  if (tables.length === 1 && has('SELECT')) return shape.routine === undefined ? 'reader' : 'reader_caller';
  return has('UPDATE') || has('DELETE') ? 'editor' : 'shape';
}

/** `profiles:` of the file. */
export function profileTree(profiles: readonly FoundProfile[]): TreeMap {
  const shapes = new Map(profiles.map(({ name, shape }) => [name, shape]));
  return Object.fromEntries(
    profiles.map(({ name, shape, include }) => {
      const base = include === undefined ? {} : (shapes.get(include) ?? {});
      const parts = PART_KINDS.flatMap((kind) => {
        const own = (shape[kind] ?? []).filter((privilege) => base[kind]?.includes(privilege) !== true);
        return own.length === 0 ? [] : [[PART_KEYS[kind], privilegeWords(own)] as const];
      });
      return [name, { include, ...Object.fromEntries(parts) }];
    }),
  );
}
