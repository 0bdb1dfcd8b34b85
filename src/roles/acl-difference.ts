import type { Mode } from './document/document.ts';
import type { Privilege } from './privileges.ts';
import { granteeKey, isRole, type AclEntry, type Grantee } from './state.ts';
import type { Want } from './wanted-database.ts';

/** What one object's access control list lacks and has too much of. */
export interface AclDifference {
  readonly action: 'grant' | 'revoke' | 'revoke-option';
  readonly grantee: Grantee;
  readonly privilege: Privilege;
  readonly grantable: boolean;
  readonly grantor: string;
  /** How many grants the entry rests on; what rests on others is revoked before them. */
  readonly depth: number;
}

/**
 * The steps from `acl` to `wants`, where entries of grantees that `manages` denies are left alone.
 *
 * The same privilege may stand there once per grantor. The owner's entry is the one we keep; another grantor's is taken away
 * as that grantor, because a plain REVOKE would leave it without saying so. The owner's own rights are never planned.
 */
export function aclDifference(
  owner: string,
  acl: readonly AclEntry[],
  wants: readonly Want[],
  manages: (entry: AclEntry) => boolean,
  mode: Mode,
): readonly AclDifference[] {
  const wanted = new Map(wants.filter((want) => !isRole(want.grantee, owner)).map((want) => [keyOf(want), want]));
  const kept = new Set<string>();
  const differences: AclDifference[] = [];
  for (const entry of acl) {
    if (isRole(entry.grantee, owner)) continue;
    const want = wanted.get(keyOf(entry));
    if (want !== undefined && entry.grantor === owner) {
      kept.add(keyOf(entry));
      if (want.grantable && !entry.grantable) differences.push({ ...entry, action: 'grant', grantable: true, depth: 0 });
      if (!want.grantable && entry.grantable && mode !== 'add') {
        differences.push({ ...entry, action: 'revoke-option', depth: depthOf(owner, acl, entry) });
      }
    } else if (mode !== 'add' && (want !== undefined || manages(entry))) {
      differences.push({ ...entry, action: 'revoke', depth: depthOf(owner, acl, entry) });
    }
  }
  for (const [key, want] of wanted) {
    if (!kept.has(key)) differences.push({ ...want, action: 'grant', grantor: owner, depth: 0 });
  }
  return differences;
}

function keyOf(each: { readonly grantee: Grantee; readonly privilege: Privilege }): string {
  return `${each.privilege} ${granteeKey(each.grantee)}`;
}

function depthOf(owner: string, acl: readonly AclEntry[], entry: AclEntry, path: readonly string[] = []): number {
  if (entry.grantor === owner || path.includes(entry.grantor)) return 0;
  const below = acl.filter((other) => other.privilege === entry.privilege && other.grantable && isRole(other.grantee, entry.grantor));
  const depths = below.map((other) => depthOf(owner, acl, other, [...path, entry.grantor]));
  return 1 + (depths.length === 0 ? 0 : Math.min(...depths));
}

/** The list after ALTER … OWNER: the new owner takes the old one's place as grantor and grantee, and doubles merge. */
export function changeOwner(acl: readonly AclEntry[], from: string, to: string): readonly AclEntry[] {
  const merged = new Map<string, AclEntry>();
  for (const entry of acl) {
    const grantee: Grantee = isRole(entry.grantee, from) ? { kind: 'role', name: to } : entry.grantee;
    const moved = { ...entry, grantee, grantor: entry.grantor === from ? to : entry.grantor };
    if (isRole(moved.grantee, to)) continue;
    const key = `${keyOf(moved)} ${moved.grantor}`;
    const before = merged.get(key);
    merged.set(key, before === undefined ? moved : { ...moved, grantable: moved.grantable || before.grantable });
  }
  return [...merged.values()];
}
