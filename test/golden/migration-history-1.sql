-- The history as dbadmin 0.1.0 made it: the first form. Never changed; every later form is reached from here.
create schema if not exists "dbadmin";
create table if not exists "dbadmin".migration_history (
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
comment on table "dbadmin".migration_history is 'What dbadmin applied, in order. Append-only: a later row says that something changed.';
create or replace function "dbadmin".refuse_history_change() returns trigger language plpgsql set search_path = pg_catalog as $guard$
begin
  raise exception 'migration_history is append-only' using hint = 'Add a row that says what changed.';
end
$guard$;
create or replace trigger migration_history_append_only before update or delete or truncate on "dbadmin".migration_history
  for each statement execute function "dbadmin".refuse_history_change();

insert into "dbadmin".migration_history (run_id, kind, version, name, sha256, body, started_at, finished_at, tool_version, restore_point, restore_lsn, locks)
values ('7f1f0c4e-53c3-4a55-8f6f-0d6a4a4b9b01', 'versioned', '1', '1_a.sql', sha256('create table a (id int);'), 'create table a (id int);',
  '2026-11-20 08:00:00Z', '2026-11-20 08:00:01Z', '0.1.0', 'dbadmin_20261120T080000Z_1', '0/15D0A28', '[{"relation": "public.b", "mode": "ShareLock"}]');
