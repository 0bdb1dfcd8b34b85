import { parsePrivilege } from './privileges.ts';
import { isRole, PUBLIC, role, type AclEntry } from './state.ts';

/** Grantor, OID of the grantee, its name, privilege, grantable: what the inspection's queries make of one ACL entry. */
export type RawAclEntry = readonly [grantor: string, granteeOid: number, grantee: string, privilege: string, grantable: boolean];

/** The entries without the owner's own, which are never planned. PUBLIC is OID 0. */
export function parseAcl(raw: readonly RawAclEntry[] | null, owner: string): readonly AclEntry[] {
  return (raw ?? []).flatMap(([grantor, granteeOid, grantee, word, grantable]) => {
    const privilege = parsePrivilege(word);
    if (privilege === undefined) return [];
    const entry: AclEntry = { grantee: granteeOid === 0 ? PUBLIC : role(grantee), grantor, privilege, grantable };
    return isRole(entry.grantee, owner) ? [] : [entry];
  });
}
