import type { Sql } from 'postgres';
import { DbadminError } from '../base/errors.ts';
import { quoteName } from '../postgres/quote.ts';
import { isLockHeld } from './apply-lock.ts';
import { guardRecord } from './apply-record.ts';

/** One apply, or one rotation of a password, as the cluster's own record has it. */
export interface RecordedRun {
  readonly run: string;
  readonly beganAt: Date;
  /** Undefined when nobody wrote down how it ended. */
  readonly endedAt: Date | undefined;
  /** `unfinished`: it was killed, or lost its connection; what it had sent may have been made. */
  readonly outcome: 'done' | 'failed' | 'running' | 'unfinished';
  /** The role that was connected, and from where; undefined for a socket. */
  readonly role: string;
  readonly address: string | undefined;
  /** `user@host` of the operating system. */
  readonly by: string;
  readonly tool: string;
  readonly file: string;
  readonly planSha256: string;
  readonly changes: number;
  readonly tookMs: number | undefined;
  readonly message: string | undefined;
  readonly statements: readonly string[];
}

interface RunRow {
  readonly run: string;
  readonly began: string;
  readonly ended: string | null;
  readonly event: 'done' | 'failed' | null;
  readonly role: string;
  readonly address: string | null;
  readonly by: string;
  readonly tool: string;
  readonly file: string;
  readonly plan: string;
  readonly changes: number;
  readonly took: number | null;
  readonly message: string | null;
  readonly statements: readonly string[];
}

/**
 * The last `limit` runs in the record of the database that `sql` is connected to, newest first; or the one numbered `run`.
 * Undefined where there is no record.
 *
 * @throws {DbadminError} `refused` when the record belongs to somebody who could make it act for whoever reads it;
 * `privilege-missing` when the
 * role that is connected may not read it.
 */
export async function inspectRecord(
  sql: Sql,
  { limit, run }: { readonly limit: number; readonly run: string | undefined },
): Promise<readonly RecordedRun[] | undefined> {
  // By the catalog: to_regclass fails for whoever may not look into the schema.
  const [found] = await sql<{ readable: boolean }[]>`
    select pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_table_privilege(c.oid, 'SELECT') as readable
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'dbadmin' and c.relname = 'roles_applied'`;
  if (found === undefined) return undefined;
  if (!found.readable) {
    const [me] = await sql<{ name: string }[]>`select current_user::text as name`;
    const name = quoteName(me?.name ?? '');
    throw new DbadminError('privilege-missing', `${me?.name ?? 'this role'} may not read the record of applies, dbadmin.roles_applied`, {
      hint: `Let it: GRANT USAGE ON SCHEMA dbadmin TO ${name}; GRANT SELECT ON TABLE dbadmin.roles_applied TO ${name};`,
    });
  }
  const isRunning = await isLockHeld(sql);
  const rows = await sql.begin(async (begun) => {
    await guardRecord(begun);
    const text = begun.unsafe(`'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`);
    return await begun<RunRow[]>`
      select b.run::text as run, to_char(b.at at time zone 'UTC', ${text}) as began, to_char(e.at at time zone 'UTC', ${text}) as ended,
             e.event, b.role, host(b.address) as address, b.by, b.tool, b.file, b.plan_sha256 as plan, b.changes,
             e.took_ms::float8 as took, e.message, to_json(b.statements) as statements
        from dbadmin.roles_applied b
        left join lateral (select r.at, r.event, r.took_ms, r.message from dbadmin.roles_applied r
                            where r.run = b.run and r.event <> 'began' order by r.id desc limit 1) e on true
       where b.event = 'began' and (${run ?? null}::bigint is null or b.run = ${run ?? null}::bigint)
       order by b.id desc limit ${limit}`;
  });
  return rows.map((row, index) => runOf(row, isRunning && run === undefined && index === 0));
}

function runOf(row: RunRow, isRunning: boolean): RecordedRun {
  return {
    run: row.run,
    beganAt: new Date(row.began),
    endedAt: row.ended === null ? undefined : new Date(row.ended),
    outcome: row.event ?? (isRunning ? 'running' : 'unfinished'),
    role: row.role,
    address: row.address ?? undefined,
    by: row.by,
    tool: row.tool,
    file: row.file,
    planSha256: row.plan,
    changes: row.changes,
    tookMs: row.took ?? undefined,
    message: row.message ?? undefined,
    statements: row.statements,
  };
}
