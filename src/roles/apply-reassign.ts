import type { TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { openClient } from '../postgres/client.ts';
import { guard, retrying, type TransactionOptions } from './apply-transaction.ts';
import { APPLICATION_NAME } from './inspect.ts';
import { REASSIGNED_AT_ONCE, type RetireOwned } from './lifecycle-change.ts';
import { quoteIdentifier } from './quote.ts';

/** And never more than a quarter of the lock table, which holds 6,400 entries unless somebody made it another size. */
const LOCKS_PER_PART = 1000;

/**
 * Gives the relations that a role owns to its heir, some in each transaction, until there are none left.
 *
 * REASSIGN OWNED locks every one of them, its indexes and its TOAST table until it ends, and fails where the lock table is
 * smaller than that. What else a role owns locks next to nothing and is left to it. A run that dies in between has given away
 * what it has, and the next one goes on.
 *
 * @throws {DbadminError} `privilege-missing` or `query-failed` naming the relation.
 */
export async function reassignInParts({ database, role, reassignTo }: RetireOwned, options: TransactionOptions): Promise<void> {
  if (reassignTo === undefined) return;
  const client = await openClient({ ...options.connection, database }, { applicationName: APPLICATION_NAME });
  try {
    for (let given = 0; ;) {
      let part: readonly string[] = [];
      await retrying(options, async () => {
        await client.begin(async (sql) => {
          await guard(sql, options.lockTimeoutMs);
          part = await nextPart(sql, role);
          for (const relation of part) await giveAway(sql, relation, reassignTo, database);
        });
      });
      if (part.length === 0) return;
      given += part.length;
      options.log.debug(`${given} relations of ${role} in ${database} given to ${reassignTo}`);
    }
  } finally {
    await client.end({ timeout: 1 });
  }
}

/**
 * Some relations that the role owns, as `TABLE "core"."play"`: as many as together lock no more than a part may, and at least
 * one. By the index of what depends on the role: a million of them would be sought in pg_class four thousand times.
 */
async function nextPart(sql: TransactionSql, role: string): Promise<readonly string[]> {
  const rows = await sql<{ relation: string }[]>`
    with owned as (
      select c.oid, c.relkind, c.relname, n.nspname,
             1 + (select count(*) from pg_catalog.pg_index i where i.indrelid = c.oid) + case when c.reltoastrelid = 0 then 0 else 2 end
               + (select count(*) from pg_catalog.pg_depend l where l.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    and l.refobjid = c.oid and l.refobjsubid > 0 and l.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    and l.deptype in ('a', 'i')) as locks
        from pg_catalog.pg_shdepend s
        join pg_catalog.pg_class c on c.oid = s.objid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
         and s.refobjid = (select r.oid from pg_catalog.pg_roles r where r.rolname = ${role})
         and s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and s.deptype = 'o'
         and s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
         and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c') and c.relpersistence <> 't'
         -- The sequence of a column goes with its table, and cannot go without it.
         and not (c.relkind = 'S' and exists (
               select from pg_catalog.pg_depend l where l.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and l.objid = c.oid
                  and l.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and l.refobjsubid > 0 and l.deptype in ('a', 'i')))
       limit ${REASSIGNED_AT_ONCE}
    ), counted as (
      select o.*, sum(o.locks) over (order by o.oid) as total, row_number() over (order by o.oid) as place from owned o
    )
    select case c.relkind when 'f' then 'FOREIGN TABLE' when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' when 'S' then 'SEQUENCE'
                          when 'c' then 'TYPE' else 'TABLE' end
           || ' ' || pg_catalog.quote_ident(c.nspname) || '.' || pg_catalog.quote_ident(c.relname) as relation
      from counted c
     where c.place = 1 or c.total <= least(${LOCKS_PER_PART}, current_setting('max_locks_per_transaction')::int
             * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) / 4)
     order by c.place`;
  return rows.map(({ relation }) => relation);
}

async function giveAway(sql: TransactionSql, relation: string, heir: string, database: string): Promise<void> {
  try {
    await sql.unsafe(`ALTER ${relation} OWNER TO ${quoteIdentifier(heir)}`);
  } catch (error) {
    const code = systemCodeOf(error);
    throw new DbadminError(code === '42501' ? 'privilege-missing' : 'query-failed', `the server did not give ${relation} to ${heir}`, {
      detail: `In database ${database}: ${messageOf(error)} (SQLSTATE ${code ?? 'unknown'}).`,
      ...(code === '42501'
        ? {
            hint: `Where no superuser applies, ${heir} must have CREATE on the schema to be given something in it: grant that, and run this again.`,
          }
        : {}),
      cause: error,
    });
  }
}
