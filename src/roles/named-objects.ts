import type { DeclaredDatabase, ObjectName, RelationName, RolesDocument } from './document/document.ts';

export type RoutineName = Extract<ObjectName, { kind: 'routine' }>;

/** What of a database the server must be asked about by name. */
export interface NamedObjects {
  /** Only the server knows which routine `merge(int)` is. */
  readonly routines: readonly RoutineName[];
  /** Relations with a rule about their columns. */
  readonly relations: readonly RelationName[];
}

/** The routines and relations that the file names in `declared`. */
export function namedObjects(document: RolesDocument, declared: DeclaredDatabase): NamedObjects {
  const named = [
    ...declared.access.flatMap((rule) => (rule.kind === 'named' ? [rule.on] : [])),
    ...declared.owners.map(({ on }) => on),
    ...document.public.keep.flatMap(({ on }) => (on.kind === 'extension' ? [] : [on])),
  ];
  return { routines: named.filter((on) => on.kind === 'routine'), relations: declared.columns.map(({ on }) => on) };
}
