import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { historyTable } from './history.ts';
import { firstHistorySql, HISTORY_FORM, readHistoryForm, refuseNewerHistory, upgradeHistorySql, type HistoryForm } from './form.ts';
import type { ServerFacts } from '../session/inspect-server.ts';
import type { Queryable } from '../session/session.ts';

/** The form of the history in `schema`; undefined where there is none. */
export async function inspectHistoryForm(session: Queryable, schema: string): Promise<HistoryForm | undefined> {
  const [row] = await session.query<{ oid: number | null; comment: string | null }>(
    `select t.oid, pg_catalog.obj_description(t.oid, 'pg_class') as comment from (select pg_catalog.to_regclass($1)::oid as oid) t`,
    [historyTable(schema)],
  );
  return row === undefined || row.oid === null ? undefined : readHistoryForm(row.comment);
}

/** What {@link ensureHistory} must know of the caller. */
export interface HistoryOwner extends Pick<ServerFacts, 'user' | 'database'> {
  readonly toolVersion: string;
}

/**
 * Makes the history where there is none and brings an older form to the present one, in one transaction. Everybody who writes
 * to the history calls this first, outside of a transaction and under the database's migration lock.
 *
 * @throws {DbadminError} `history-newer`; `locked` when somebody reads the history for longer than three seconds;
 * `privilege-missing`, `query-failed`.
 */
export async function ensureHistory(session: Queryable, schema: string, owner: HistoryOwner): Promise<void> {
  const found = await inspectHistoryForm(session, schema);
  if (found !== undefined) refuseNewerHistory(schema, found);
  if (found?.form === HISTORY_FORM) return await refuseWithoutInsert(session, schema, owner);
  const first = found === undefined ? firstHistorySql(schema) : '';
  try {
    // Whoever waits for the table queues everybody behind; a dump may read it for hours.
    await session.query(
      `begin; set local lock_timeout = '3s'; ${first} ${upgradeHistorySql(schema, found?.form ?? 1, owner.toolVersion)} commit`,
    );
  } catch (error) {
    await session.query('rollback').catch(() => undefined);
    throw found === undefined ? notMade(schema, owner, error) : notUpgraded(schema, found.form, owner, error);
  }
}

/** Found out only with the first row, it would look like a failure of the file. */
async function refuseWithoutInsert(session: Queryable, schema: string, { user }: HistoryOwner): Promise<void> {
  const table = historyTable(schema);
  const [row] = await session.query<{ may: boolean }>(`select pg_catalog.has_table_privilege($1, 'insert') as may`, [table]);
  if (row?.may === true) return;
  throw new DbadminError('privilege-missing', `${user} may not write to the history in schema ${schema}`, {
    detail: 'What is applied has to be written down. Nothing was applied.',
    hint: `As the owner of the table: GRANT SELECT, INSERT ON ${table} TO ${quoteIdentifier(user)};`,
  });
}

function notMade(schema: string, { user, database }: HistoryOwner, error: unknown): unknown {
  const code = systemCodeOf(error);
  if (code === undefined) return error;
  return new DbadminError(code === '42501' ? 'privilege-missing' : 'query-failed', `cannot create the history in schema ${schema}`, {
    detail: messageOf(error),
    hint:
      code === '42501' ? `As a superuser: GRANT CREATE ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(user)};` : undefined,
    cause: error,
  });
}

function notUpgraded(schema: string, form: number, { user }: HistoryOwner, error: unknown): unknown {
  const code = systemCodeOf(error);
  if (code === undefined) return error;
  const what = `cannot bring ${schema}.migration_history from form ${form} to form ${HISTORY_FORM}`;
  if (code === '55P03') {
    return new DbadminError('locked', what, {
      detail: 'Another session reads it, a dump perhaps, and did not end within 3 s. Nothing was applied.',
      hint: 'Run the same command again when it has ended.',
      cause: error,
    });
  }
  return new DbadminError(code === '42501' ? 'privilege-missing' : 'query-failed', what, {
    detail: messageOf(error),
    hint: code === '42501' ? `Run this once as the owner of the table, or let ${user} be a member of the owner.` : undefined,
    cause: error,
  });
}
