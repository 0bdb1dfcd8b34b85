-- Landed rows stay as they were received. Erasing a person is the one exception: whoever does that says so with
-- SET LOCAL warehouse.forget = 'on' and still needs the privilege to delete.
create or replace function raw.refuse_change() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  if tg_op = 'DELETE' and current_setting('warehouse.forget', true) = 'on' then
    return null;
  end if;
  raise exception using
    errcode = 'restrict_violation',
    message = format('table %I.%I is append-only', tg_table_schema, tg_table_name),
    detail = format('%s is refused: cleansing must be repeatable from what was received.', tg_op);
end
$$;
comment on function raw.refuse_change() is 'Trigger: refuses UPDATE, DELETE and TRUNCATE of landed rows.';

create or replace trigger batch_append_only before update or delete or truncate on raw.batch
  for each statement execute function raw.refuse_change();
create or replace trigger song_append_only before update or delete or truncate on raw.song
  for each statement execute function raw.refuse_change();
create or replace trigger streaming_history_slice_append_only before update or delete or truncate on raw.streaming_history_slice
  for each statement execute function raw.refuse_change();
create or replace trigger extended_history_slice_append_only before update or delete or truncate on raw.extended_history_slice
  for each statement execute function raw.refuse_change();
create or replace trigger library_entry_append_only before update or delete or truncate on raw.library_entry
  for each statement execute function raw.refuse_change();
create or replace trigger playlist_entry_append_only before update or delete or truncate on raw.playlist_entry
  for each statement execute function raw.refuse_change();
create or replace trigger chart_entry_append_only before update or delete or truncate on raw.chart_entry
  for each statement execute function raw.refuse_change();
create or replace trigger page_append_only before update or delete or truncate on raw.page
  for each statement execute function raw.refuse_change();
create or replace trigger page_set_append_only before update or delete or truncate on raw.page_set
  for each statement execute function raw.refuse_change();
