import type { DefaultChange } from './change.ts';
import type { DeclaredDatabase, RolesDocument } from './document/document.ts';
import { sortPrivileges } from './privileges.ts';
import type { ManagedScope } from './scope.ts';
import { globalDefaultKey, granteeKey, isRole, PUBLIC, type DatabaseState, type DefaultEntry } from './state.ts';
import type { WantedDatabase } from './wanted-database.ts';

/**
 * The changes to default privileges.
 *
 * What PUBLIC has on new routines is built in and can only be taken away globally: a rule with IN SCHEMA adds, and a
 * REVOKE there does nothing and says nothing.
 */
export function planDefaults(
  document: RolesDocument,
  declared: DeclaredDatabase,
  state: DatabaseState,
  wanted: WantedDatabase,
  scope: ManagedScope,
): readonly DefaultChange[] {
  const { creators } = wanted;
  const observed = new Map([...state.defaults, ...builtIn(document, creators, state)].map((entry) => [keyOf(entry), entry]));
  const wants = new Map(wanted.defaults.map((entry) => [keyOf(entry), entry]));
  const manages = (entry: DefaultEntry): boolean => {
    if (!creators.has(entry.creator) && !scope.role(entry.creator)) return false;
    if (entry.schema !== undefined && !scope.schema(declared.name, entry.schema)) return false;
    if (isRole(entry.grantee, entry.creator)) return false;
    const isLeftToAll = entry.grantee.kind === 'public' && entry.of === 'type' && document.public.preset !== 'declared';
    return scope.grantee(entry.grantee) && !isLeftToAll;
  };
  const steps: { readonly action: DefaultChange['action']; readonly entry: DefaultEntry }[] = [];
  for (const [key, entry] of wants) {
    const found = observed.get(key);
    if (found === undefined || (entry.grantable && !found.grantable)) steps.push({ action: 'grant', entry });
    else if (found.grantable && !entry.grantable && document.mode !== 'add') steps.push({ action: 'revoke-option', entry });
  }
  if (document.mode !== 'add') {
    for (const [key, entry] of observed) if (!wants.has(key) && manages(entry)) steps.push({ action: 'revoke', entry });
  }
  return merge(declared.name, steps);
}

/** What PUBLIC has where the catalog says nothing. */
function builtIn(document: RolesDocument, creators: ReadonlySet<string>, state: DatabaseState): readonly DefaultEntry[] {
  const kinds = document.public.preset === 'declared' ? (['routine', 'type'] as const) : (['routine'] as const);
  return kinds.flatMap((of) =>
    [...creators]
      .filter((creator) => !state.globalDefaults.has(globalDefaultKey(creator, of)))
      .map((creator) => ({
        creator,
        schema: undefined,
        of,
        grantee: PUBLIC,
        privilege: of === 'routine' ? ('EXECUTE' as const) : ('USAGE' as const),
        grantable: false,
      })),
  );
}

function keyOf(entry: DefaultEntry): string {
  return JSON.stringify([entry.creator, entry.schema, entry.of, granteeKey(entry.grantee), entry.privilege]);
}

function merge(
  database: string,
  steps: readonly { readonly action: DefaultChange['action']; readonly entry: DefaultEntry }[],
): readonly DefaultChange[] {
  const merged = new Map<string, DefaultChange>();
  for (const { action, entry } of steps) {
    const { privilege, ...rest } = entry;
    const key = JSON.stringify([action, rest.creator, rest.schema, rest.of, granteeKey(rest.grantee), rest.grantable]);
    const privileges = sortPrivileges([...(merged.get(key)?.privileges ?? []), privilege]);
    merged.set(key, { kind: 'default', action, database, ...rest, privileges });
  }
  return [...merged.values()];
}
