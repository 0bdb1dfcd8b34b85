import type { Mode } from './document/document.ts';
import type { Privilege } from './privileges.ts';
import { granteeKey, isRole, type AclEntry, type Grantee } from './state.ts';
import type { Want } from './wants.ts';

/** What one object's access control list lacks and has too much of. */
export interface AclDifference {
  readonly action: 'grant' | 'revoke' | 'revoke-option';
  readonly grantee: Grantee;
  readonly privilege: Privilege;
  readonly grantable: boolean;
  readonly grantor: string;
  /** How many grants the entry rests on; what rests on others is revoked before them and granted after them. */
  readonly depth: number;
}

/** One object's list, and who decides about it. */
export interface AclSubject {
  readonly owner: string;
  readonly acl: readonly AclEntry[];
  /** Entries elsewhere that grants here may rest on: a column's on the whole table's. */
  readonly support?: readonly AclEntry[];
}

/**
 * The steps from a list to `wants`, where entries of grantees that `manages` denies are left alone.
 *
 * The same privilege may stand there once per grantor. A want without a grantor is the owner's entry; another grantor's is
 * taken away as that grantor, because a plain REVOKE would leave it without saying so. The owner's own rights are never planned.
 */
export function aclDifference(
  { owner, acl, support = [] }: AclSubject,
  wants: readonly Want[],
  manages: (entry: AclEntry) => boolean,
  mode: Mode,
): readonly AclDifference[] {
  const wanted = new Map<string, Want & { readonly grantor: string }>();
  const wantedAnyhow = new Set<string>();
  for (const want of wants) {
    const grantor = want.grantor ?? owner;
    if (isRole(want.grantee, owner) && grantor === owner) continue;
    wanted.set(entryKey({ ...want, grantor }), { ...want, grantor });
    wantedAnyhow.add(keyOf(want));
  }
  const depth = depthIn(owner, [...acl, ...support]);
  const kept = new Set<string>();
  const differences: AclDifference[] = [];
  for (const entry of acl) {
    const isOwners = isRole(entry.grantee, owner);
    if (isOwners && entry.grantor === owner) continue;
    const want = wanted.get(entryKey(entry));
    if (want !== undefined) {
      kept.add(entryKey(entry));
      if (want.grantable && !entry.grantable) differences.push({ ...entry, action: 'grant', grantable: true, depth: depth(entry) });
      if (!want.grantable && entry.grantable && mode !== 'add') {
        differences.push({ ...entry, action: 'revoke-option', depth: depth(entry) });
      }
    } else if (mode !== 'add' && (wantedAnyhow.has(keyOf(entry)) || manages(entry) || (isOwners && manages(asGrantors(entry))))) {
      differences.push({ ...entry, action: 'revoke', depth: depth(entry) });
    }
  }
  const depthWanted = depthIn(owner, [...wanted.values(), ...acl, ...support]);
  for (const [key, { grantee, privilege, grantable, grantor }] of wanted) {
    if (kept.has(key)) continue;
    const entry = { grantee, privilege, grantable, grantor };
    differences.push({ ...entry, action: 'grant', depth: depthWanted(entry) });
  }
  return differences;
}

/**
 * What the owner was given back by somebody costs him nothing to lose, and stands in the way of what it rests on: it is the
 * grantor's to answer for.
 */
function asGrantors(entry: AclEntry): AclEntry {
  return { ...entry, grantee: { kind: 'role', name: entry.grantor } };
}

function keyOf(each: { readonly grantee: Grantee; readonly privilege: Privilege }): string {
  return `${each.privilege} ${granteeKey(each.grantee)}`;
}

function entryKey(entry: { readonly grantee: Grantee; readonly privilege: Privilege; readonly grantor: string }): string {
  return JSON.stringify([entry.grantor, keyOf(entry)]);
}

/** How many grants of `acl` an entry of it rests on. */
function depthIn(owner: string, acl: readonly AclEntry[]): (entry: AclEntry) => number {
  const depthOf = (entry: AclEntry, path: readonly string[]): number => {
    if (entry.grantor === owner || path.includes(entry.grantor)) return 0;
    const below = acl.filter((other) => other.privilege === entry.privilege && other.grantable && isRole(other.grantee, entry.grantor));
    const depths = below.map((other) => depthOf(other, [...path, entry.grantor]));
    return 1 + (depths.length === 0 ? 0 : Math.min(...depths));
  };
  return (entry) => depthOf(entry, []);
}

/** The list after ALTER … OWNER: the new owner takes the old one's place as grantor and grantee, and doubles merge. */
export function changeOwner(acl: readonly AclEntry[], from: string, to: string): readonly AclEntry[] {
  const merged = new Map<string, AclEntry>();
  for (const entry of acl) {
    const grantee: Grantee = isRole(entry.grantee, from) ? { kind: 'role', name: to } : entry.grantee;
    const moved = { ...entry, grantee, grantor: entry.grantor === from ? to : entry.grantor };
    if (isRole(moved.grantee, to) && moved.grantor === to) continue;
    const key = entryKey(moved);
    const before = merged.get(key);
    merged.set(key, before === undefined ? moved : { ...moved, grantable: moved.grantable || before.grantable });
  }
  return [...merged.values()];
}
