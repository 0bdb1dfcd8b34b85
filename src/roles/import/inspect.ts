import type { TransactionSql } from 'postgres';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { DeclaredRowSecurity } from '../document/lifecycle.ts';
import { inSnapshot } from '../inspect-cluster.ts';
import { fixFileForms } from '../inspect-forms.ts';
import { readRowSecurity } from '../inspect-row-security.ts';
import { APPLICATION_NAME } from '../inspect.ts';
import type { TableRowSecurity } from '../lifecycle-state.ts';

/** What an import asks of a database beyond what a plan does. */
export interface DatabaseDetails {
  /** Tables that have row security or policies, by schema and name. */
  readonly rowSecurity: readonly TableRowSecurity[];
  /** What owners have revoked from themselves: `app_owner: DELETE on table core.play`. The file has no words for it. */
  readonly selfRevoked: readonly string[];
}

export async function inspectDetails(connection: ConnectionParameters, database: string): Promise<DatabaseDetails> {
  const client = await openClient({ ...connection, database }, { applicationName: APPLICATION_NAME });
  try {
    const read = async (sql: TransactionSql): Promise<DatabaseDetails> => ({
      rowSecurity: await readAllRowSecurity(sql),
      selfRevoked: await readSelfRevoked(sql),
    });
    return await inSnapshot(client, read, fixFileForms);
  } finally {
    await client.end({ timeout: 1 });
  }
}

const NOWHERE = { line: 1, column: 1 } as const;

async function readAllRowSecurity(sql: TransactionSql): Promise<readonly TableRowSecurity[]> {
  const tables = await sql<{ schema: string; name: string }[]>`
    select n.nspname::text as schema, c.relname::text as name
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and (c.relrowsecurity or c.relforcerowsecurity or exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid))
     order by 1, 2`;
  const rowSecurity = tables.map((table): DeclaredRowSecurity => ({ table, at: NOWHERE, enable: true, force: false, policies: [] }));
  return [...(await readRowSecurity(sql, { rowSecurity })).values()];
}

async function readSelfRevoked(sql: TransactionSql): Promise<readonly string[]> {
  const rows = await sql<{ text: string }[]>`
    with objects(letter, what, acl, owner) as (
      select 'n', 'schema ' || n.nspname, n.nspacl, n.nspowner from pg_catalog.pg_namespace n
       where n.nspacl is not null and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      union all
      select case c.relkind when 'S' then 's' else 'r' end, case c.relkind when 'S' then 'sequence ' else 'table ' end || c.oid::pg_catalog.regclass,
             c.relacl, c.relowner
        from pg_catalog.pg_class c where c.relacl is not null and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.oid >= 16384
      union all
      select 'f', 'routine ' || p.oid::pg_catalog.regprocedure, p.proacl, p.proowner from pg_catalog.pg_proc p where p.proacl is not null and p.oid >= 16384
      union all
      select 'T', 'type ' || t.oid::pg_catalog.regtype, t.typacl, t.typowner from pg_catalog.pg_type t where t.typacl is not null and t.oid >= 16384
    )
    select pg_catalog.pg_get_userbyid(o.owner) || ': ' || pg_catalog.string_agg(d.privilege_type, ', ' order by d.privilege_type) || ' on ' || o.what as text
      from objects o cross join lateral pg_catalog.aclexplode(pg_catalog.acldefault(o.letter::"char", o.owner)) d
     where d.grantee = o.owner and not exists (
       select from pg_catalog.aclexplode(o.acl) a where a.grantee = o.owner and a.privilege_type = d.privilege_type)
     group by o.owner, o.what order by 1`;
  return rows.map((row) => row.text);
}
