import { createHash } from 'node:crypto';
import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Change } from './change.ts';
import { changeSql } from './print.ts';

/** Who applies and with what, for the record. */
export interface ApplyAuthor {
  /** `user@host` of the operating system. */
  readonly by: string;
  /** Version of dbadmin. */
  readonly tool: string;
  readonly file: string;
  /** Of the saved plan, where one is applied. */
  readonly planSha256: string | undefined;
}

/** The record of one apply, kept in the cluster itself. */
export interface ApplyRecord {
  end(result: { readonly tookMs: number; readonly steps: number; readonly failure: string | undefined }): Promise<void>;
}

/** Rows are added and never changed: a trigger refuses it, so that whoever wants to hide something has to take away the trigger first. */
export const RECORD_SQL: readonly string[] = [
  'CREATE SCHEMA IF NOT EXISTS dbadmin',
  `CREATE TABLE IF NOT EXISTS dbadmin.roles_applied (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event text NOT NULL CHECK (event IN ('began', 'done', 'failed')),
    role text NOT NULL DEFAULT session_user,
    address inet DEFAULT inet_client_addr(),
    by text NOT NULL,
    tool text NOT NULL,
    file text NOT NULL,
    plan_sha256 text NOT NULL,
    changes int NOT NULL,
    statements text[] NOT NULL,
    took_ms bigint,
    message text
  )`,
  `CREATE OR REPLACE FUNCTION dbadmin.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS
    $refuse$ BEGIN RAISE EXCEPTION '%.% is a record: rows are only added', TG_TABLE_SCHEMA, TG_TABLE_NAME; END $refuse$`,
  'REVOKE ALL ON FUNCTION dbadmin.refuse_change() FROM PUBLIC',
  `CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dbadmin.roles_applied
    FOR EACH STATEMENT EXECUTE FUNCTION dbadmin.refuse_change()`,
];

/**
 * Writes down in the maintenance database, with `sql`, that an apply begins: who, which plan, which statements. Undefined,
 * after a warning, where the role may not write there: an apply does not fail because it is not recorded.
 *
 * Passwords and verifiers are in no statement here; of a password only where it comes from is told.
 */
export async function beginRecord(sql: Sql, changes: readonly Change[], author: ApplyAuthor, log: Log): Promise<ApplyRecord | undefined> {
  const statements = changes.flatMap(recordedSql);
  const planSha256 = author.planSha256 ?? createHash('sha256').update(JSON.stringify(changes), 'utf8').digest('hex');
  const add = async (
    run: string | null,
    event: string,
    texts: readonly string[],
    tookMs: number | null,
    message: string | null,
  ): Promise<string> => {
    return await sql.begin(async (begun) => {
      await guardRecord(begun);
      const [row] = await begun<{ run: string }[]>`
        insert into dbadmin.roles_applied (run, event, by, tool, file, plan_sha256, changes, statements, took_ms, message)
        select coalesce(${run}::bigint, (select coalesce(max(r.run), 0) + 1 from dbadmin.roles_applied r)), ${event}, ${author.by}, ${author.tool},
               ${author.file}, ${planSha256}, ${changes.length},
               array(select json_array_elements_text(${JSON.stringify(texts)}::text::json)), ${tookMs}::bigint, ${message}
        returning run::text as run`;
      return row?.run ?? '0';
    });
  };
  try {
    await makeTable(sql);
    const run = await add(null, 'began', statements, null, null);
    return {
      end: async ({ tookMs, steps, failure }) => {
        try {
          await add(run, failure === undefined ? 'done' : 'failed', [], Math.round(tookMs), failure ?? `${steps} steps`);
        } catch (error) {
          log.warn(`the end of this apply is not recorded: ${messageOf(error)}`);
        }
      },
    };
  } catch (error) {
    const hint = error instanceof DbadminError ? error.hint : 'dbadmin roles bootstrap prints what is missing.';
    log.warn(`this apply is not recorded in dbadmin.roles_applied: ${messageOf(error)}. ${hint ?? ''}`.trimEnd());
    return undefined;
  }
}

async function makeTable(sql: Sql): Promise<void> {
  const [row] = await sql<{ there: boolean }[]>`select pg_catalog.to_regclass('dbadmin.roles_applied') is not null as there`;
  if (row?.there !== true) await sql.begin(async (begun) => await begun.unsafe(RECORD_SQL.join(';\n')));
}

/**
 * Refuses a record that belongs to somebody who could make it act for us: a default, a trigger or a row policy of the table runs
 * with the rights of whoever writes to it or reads it. Its owner must be a superuser or the role that is connected. In a
 * transaction, until whose end nobody can put another table in its place.
 *
 * @throws {DbadminError} `refused`.
 */
export async function guardRecord(sql: TransactionSql): Promise<void> {
  await sql`select set_config('search_path', '', true), set_config('lock_timeout', '5s', true)`;
  await sql`lock table dbadmin.roles_applied in access share mode`;
  const [row] = await sql<{ owner: string; trusted: boolean }[]>`
    select o.rolname::text as owner, c.relkind = 'r' and (o.rolsuper or o.rolname = current_user) as trusted
      from pg_catalog.pg_class c join pg_catalog.pg_roles o on o.oid = c.relowner
     where c.oid = pg_catalog.to_regclass('dbadmin.roles_applied')`;
  if (row === undefined || row.trusted) return;
  throw new DbadminError('refused', `dbadmin.roles_applied belongs to ${row.owner}, who could make it act for whoever writes to it`, {
    hint: 'Rename it, and the next apply makes a new one; with a role of its own, dbadmin roles bootstrap prints what makes it as a superuser.',
  });
}

function recordedSql(change: Change): readonly string[] {
  if (change.kind !== 'password') return changeSql(change);
  return [`-- password of ${change.role}: ${change.action}${change.source === '' ? '' : `, from ${change.source}`}`];
}
