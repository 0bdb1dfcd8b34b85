import { granteeKey, role, type Grantee } from '../state.ts';
import type { AccessEntry, AccessPrivilege } from './graph.ts';

/** What a GRANT or REVOKE does to one list. */
export interface AclStep {
  readonly action: 'grant' | 'revoke' | 'revoke-option';
  readonly grantee: Grantee;
  readonly privileges: readonly AccessPrivilege[];
  readonly grantable: boolean;
  readonly grantor: string;
}

/** The list after the step. A revoke takes the grantor's own entries and no other's. */
export function changeAcl(
  acl: readonly AccessEntry[],
  { action, grantee, privileges, grantable, grantor }: AclStep,
): readonly AccessEntry[] {
  const isMeant = (entry: AccessEntry): boolean =>
    granteeKey(entry.grantee) === granteeKey(grantee) && entry.grantor === grantor && privileges.includes(entry.privilege);
  if (action === 'revoke') return acl.filter((entry) => !isMeant(entry));
  if (action === 'revoke-option') return acl.map((entry) => (isMeant(entry) ? { ...entry, grantable: false } : entry));
  const raised = acl.map((entry) => (isMeant(entry) && grantable ? { ...entry, grantable: true } : entry));
  const missing = privileges.filter((privilege) => !acl.some((entry) => isMeant(entry) && entry.privilege === privilege));
  return [...raised, ...missing.map((privilege) => ({ grantee, privilege, grantor, grantable }))];
}

/** The list after ALTER … OWNER: the new owner stands wherever the old one stood. */
export function reownAcl(acl: readonly AccessEntry[], from: string, to: string): readonly AccessEntry[] {
  const merged = new Map<string, AccessEntry>();
  for (const entry of acl) {
    const isFrom = entry.grantee.kind === 'role' && entry.grantee.name === from;
    const moved = { ...entry, grantee: isFrom ? role(to) : entry.grantee, grantor: entry.grantor === from ? to : entry.grantor };
    const key = JSON.stringify([granteeKey(moved.grantee), moved.privilege, moved.grantor]);
    merged.set(key, { ...moved, grantable: moved.grantable || (merged.get(key)?.grantable ?? false) });
  }
  return [...merged.values()];
}

/** What an owner has from the start. */
export function ownerAcl(owner: string, privileges: readonly AccessPrivilege[]): readonly AccessEntry[] {
  return privileges.map((privilege) => ({ grantee: role(owner), privilege, grantor: owner, grantable: false }));
}
