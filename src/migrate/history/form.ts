import { DbadminError } from '../../base/errors.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { historyTable } from './history.ts';

/**
 * The form of the history's table that this dbadmin writes. Every released form can be brought to it, one step after the other;
 * a released step is never changed. The table's comment says which form it has; without a word it has the first.
 */
export const HISTORY_FORM = 2;

/**
 * By the form they lead to, beginning with 2. Safe to run again: a dump without comments forgets the form, and the steps are then
 * taken once more. Rows stay as they are: the guard that makes the table append-only is in place all the time.
 */
const STEPS: readonly ((table: string) => string)[] = [
  // 2: an LSN says which moment it is only together with its timeline.
  (table) => `alter table ${table} add column if not exists restore_timeline integer check (restore_timeline > 0);`,
];

/** SQL that brings a history of form `from` to {@link HISTORY_FORM} and says so. */
export function upgradeHistorySql(schema: string, from: number, toolVersion: string): string {
  const table = historyTable(schema);
  const said = `What dbadmin applied, in order. Append-only: a later row says that something changed. (form ${HISTORY_FORM}, since dbadmin ${toolVersion})`;
  const steps = STEPS.slice(from - 1).map((step) => step(table));
  return [...steps, `comment on table ${table} is '${said.replaceAll("'", "''")}';`].join('\n');
}

/** What the comment of the history's table says. */
export interface HistoryForm {
  readonly form: number;
  /** The dbadmin that made the form; undefined for the first, which says nothing. */
  readonly since: string | undefined;
}

/** Reads the comment of the history's table. */
export function readHistoryForm(comment: string | null): HistoryForm {
  const said = /\(form (\d+)(?:, since dbadmin ([^)]*))?\)\s*$/.exec(comment ?? '');
  return said === null ? { form: 1, since: undefined } : { form: Number(said[1]), since: said[2] };
}

/**
 * Refuses a history that a newer dbadmin has changed: what it says there, this one may read wrongly.
 *
 * @throws {DbadminError} `history-newer`.
 */
export function refuseNewerHistory(schema: string, { form, since }: HistoryForm): void {
  if (form <= HISTORY_FORM) return;
  throw new DbadminError(
    'history-newer',
    `${schema}.migration_history has form ${form}, and this dbadmin knows forms up to ${HISTORY_FORM}`,
    {
      detail: `${since === undefined ? 'A newer dbadmin' : `dbadmin ${since}`} has changed the history; nothing was read from it or written to it.`,
      hint: since === undefined ? 'Use a newer dbadmin.' : `Use dbadmin ${since} or newer.`,
    },
  );
}

/** SQL that makes the history in the first form; safe to run again. Rows can be added and never changed: a trigger refuses the rest. */
export function firstHistorySql(schema: string): string {
  const table = historyTable(schema);
  const guard = `${quoteIdentifier(schema)}.refuse_history_change`;
  return `
create schema if not exists ${quoteIdentifier(schema)};
create table if not exists ${table} (
  seq bigint generated always as identity primary key,
  run_id uuid not null,
  kind text not null check (kind in ('versioned', 'routine', 'seed', 'baseline', 'repair', 'down')),
  version text,
  name text not null,
  statement_no integer check (statement_no > 0),
  sha256 bytea not null check (octet_length(sha256) = 32),
  body text not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  attempts integer not null default 1,
  lock_wait_ms bigint not null default 0,
  applied_by text not null default session_user,
  tool_version text not null,
  git_commit text,
  restore_point text,
  restore_lsn pg_lsn,
  locks jsonb not null default '[]',
  reason text,
  check (kind in ('routine', 'seed') or version is not null)
);
comment on table ${table} is 'What dbadmin applied, in order. Append-only: a later row says that something changed.';
create or replace function ${guard}() returns trigger language plpgsql set search_path = pg_catalog as $guard$
begin
  raise exception 'migration_history is append-only' using hint = 'Add a row that says what changed.';
end
$guard$;
create or replace trigger migration_history_append_only before update or delete or truncate on ${table}
  for each statement execute function ${guard}();
`;
}
