import type { TransactionSql } from 'postgres';
import { aclJson, parseAcl, type RawAclEntry } from './acl.ts';
import type { ClusterState, OwnedAcl } from './state.ts';

interface SharedRow {
  readonly name: string;
  readonly owner: string;
  readonly acl: readonly RawAclEntry[] | null;
}

const FIRST_MAJOR_WITH_PARAMETERS = 15;

/** Privileges on tablespaces and on configuration parameters, which belong to no database. */
export async function inspectShared(sql: TransactionSql, major: number): Promise<Pick<ClusterState, 'tablespaces' | 'parameters'>> {
  const tablespaces = await sql<SharedRow[]>`
    select t.spcname::text as name, pg_catalog.pg_get_userbyid(t.spcowner)::text as owner,
           ${aclJson(sql, "coalesce(t.spcacl, pg_catalog.acldefault('t', t.spcowner))")} as acl
      from pg_catalog.pg_tablespace t order by 1`;
  // Parameters are the bootstrap superuser's.
  const parameters =
    major < FIRST_MAJOR_WITH_PARAMETERS
      ? []
      : await sql<SharedRow[]>`
          select lower(p.parname) as name, pg_catalog.pg_get_userbyid(10)::text as owner, ${aclJson(sql, 'p.paracl')} as acl
            from pg_catalog.pg_parameter_acl p order by 1`;
  return { tablespaces: byName(tablespaces), parameters: byName(parameters) };
}

function byName(rows: readonly SharedRow[]): ReadonlyMap<string, OwnedAcl> {
  return new Map(rows.map(({ name, owner, acl }) => [name, { owner, acl: parseAcl(acl, owner) }]));
}
