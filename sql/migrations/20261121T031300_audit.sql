create table audit.change (
  change_id   bigint generated always as identity primary key,
  changed_at  timestamptz not null default clock_timestamp(),
  changed_by  text not null,
  acting_as   text not null,
  xid         xid8 not null default pg_current_xact_id(),
  table_name  text not null,
  operation   text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
  listener_id bigint,
  old_row     jsonb,
  new_row     jsonb,
  constraint change_has_rows check ((old_row is null) = (operation = 'INSERT') and (new_row is null) = (operation = 'DELETE'))
);
create index change_table_idx on audit.change (table_name, changed_at);
create index change_listener_idx on audit.change (listener_id) where listener_id is not null;
comment on table audit.change is 'Changes of core: every update and delete, and inserts of what a person owns. Where other rows came from, their batch tells.';
comment on column audit.change.change_id is 'Our number.';
comment on column audit.change.changed_at is 'When.';
comment on column audit.change.changed_by is 'The role that had logged in.';
comment on column audit.change.acting_as is 'The role it had become by SET ROLE, or none.';
comment on column audit.change.xid is 'The transaction: changes of one belong together.';
comment on column audit.change.table_name is 'The table, with its schema.';
comment on column audit.change.operation is 'INSERT, UPDATE or DELETE.';
comment on column audit.change.listener_id is 'The listener the row is about, so that forgetting them finds it; NULL for the catalogue.';
comment on column audit.change.old_row is 'The row before; NULL for an insert.';
comment on column audit.change.new_row is 'The row after; NULL for a delete.';
