import type { PendingQuery, Row, TransactionSql } from 'postgres';
import { parsePrivilege } from './privileges.ts';
import { isRole, PUBLIC, role, type AclEntry } from './state.ts';

/** Grantor, OID of the grantee, its name, privilege, grantable: what {@link aclJson} makes of one ACL entry. */
export type RawAclEntry = readonly [grantor: string, granteeOid: number, grantee: string, privilege: string, grantable: boolean];

/** The entries of the ACL that the SQL expression `acl` gives, as JSON for {@link parseAcl}. `acl` is ours, never a user's. */
export function aclJson(sql: TransactionSql, acl: string): PendingQuery<Row[]> {
  return sql.unsafe(`(select pg_catalog.json_agg(pg_catalog.json_build_array(pg_catalog.pg_get_userbyid(a.grantor), a.grantee::bigint,
     pg_catalog.pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable)) from pg_catalog.aclexplode(${acl}) a)`);
}

/** The entries without the owner's own, which are never planned; what others granted back to him is not his own. PUBLIC is OID 0. */
export function parseAcl(raw: readonly RawAclEntry[] | null, owner: string): readonly AclEntry[] {
  return (raw ?? []).flatMap(([grantor, granteeOid, grantee, word, grantable]) => {
    const privilege = parsePrivilege(word);
    if (privilege === undefined) return [];
    const entry: AclEntry = { grantee: granteeOid === 0 ? PUBLIC : role(grantee), grantor, privilege, grantable };
    return isRole(entry.grantee, owner) && grantor === owner ? [] : [entry];
  });
}
