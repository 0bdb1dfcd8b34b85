import type { Closures, Reach, Step } from './closure.ts';
import type { AccessEntry, AccessGroup, AccessPrivilege, ColumnAccess } from './graph.ts';
import { isColumnPrivilege, isDenied, predefinedRoles } from './privilege-table.ts';
import { PUBLIC, type Grantee } from '../state.ts';

/** What a way to a privilege ends at. */
export type Ground =
  | { readonly kind: 'superuser' }
  /** An entry of the access control list. `column`: on that column alone; otherwise on the whole object. */
  | {
      readonly kind: 'entry';
      readonly grantee: Grantee;
      readonly grantor: string;
      readonly grantable: boolean;
      /** The grantee owns the object: the entry is the owner's own. */
      readonly isOwner: boolean;
      readonly column: string | undefined;
    }
  /** Owners may always grant, even what they took from themselves. */
  | { readonly kind: 'owner'; readonly owner: string }
  /** A role of the server's, such as pg_read_all_data, that may do it everywhere. */
  | { readonly kind: 'predefined'; readonly role: string };

/** One way in which a role has a privilege: the roles it goes through and what it ends at. */
export interface Way {
  readonly steps: readonly Step[];
  readonly ground: Ground;
}

/** An object to ask about: its group and, for a column of it, the column's own entries. */
export interface Asked {
  readonly group: AccessGroup;
  readonly column: Pick<ColumnAccess, 'column' | 'acl'> | undefined;
}

/**
 * Whether `role` has `privilege` at once, as the server's has_…_privilege functions answer; with `grantable`, whether it may
 * grant it on.
 */
export function holds(closures: Closures, role: string, asked: Asked, privilege: AccessPrivilege, grantable = false): boolean {
  return waysTo(closures, role, asked, privilege, grantable).next().done !== true;
}

/** Every way in which `role` has `privilege` at once, the shortest first. */
export function ways(closures: Closures, role: string, asked: Asked, privilege: AccessPrivilege, grantable = false): readonly Way[] {
  return [...waysTo(closures, role, asked, privilege, grantable)].sort((left, right) => left.steps.length - right.steps.length);
}

function* waysTo(closures: Closures, role: string, asked: Asked, privilege: AccessPrivilege, grantable: boolean): Generator<Way> {
  const { group, column } = asked;
  if (closures.isSuperuser(role)) yield { steps: [], ground: { kind: 'superuser' } };
  const reach = closures.inherited(role);
  const ownerSteps = grantable ? reach.get(group.owner) : undefined;
  if (ownerSteps !== undefined) yield { steps: ownerSteps, ground: { kind: 'owner', owner: group.owner } };
  const isOpen = grantable || !isDenied(group, privilege);
  if (isOpen) yield* entryWays(reach, group.acl, group.owner, privilege, grantable, undefined);
  if (column !== undefined && isColumnPrivilege(privilege)) {
    yield* entryWays(reach, column.acl, group.owner, privilege, grantable, column.column);
  }
  if (grantable || !isOpen) return;
  for (const predefined of predefinedRoles(group, privilege)) {
    const steps = reach.get(predefined);
    if (steps !== undefined) yield { steps, ground: { kind: 'predefined', role: predefined } };
  }
}

function* entryWays(
  reach: Reach,
  acl: readonly AccessEntry[],
  owner: string,
  privilege: AccessPrivilege,
  grantable: boolean,
  column: string | undefined,
): Generator<Way> {
  for (const entry of acl) {
    if (entry.privilege !== privilege || (grantable && !entry.grantable)) continue;
    const { grantee, grantor } = entry;
    const steps = grantee.kind === 'public' ? [] : reach.get(grantee.name);
    if (steps === undefined) continue;
    const isOwner = grantee.kind === 'role' && grantee.name === owner && column === undefined;
    yield {
      steps,
      ground: {
        kind: 'entry',
        grantee: grantee.kind === 'public' ? PUBLIC : grantee,
        grantor,
        grantable: entry.grantable,
        isOwner,
        column,
      },
    };
  }
}
