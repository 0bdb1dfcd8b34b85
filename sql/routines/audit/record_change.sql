-- Whom a row is about. Parts of lists and playlists do not say it themselves, and after the list is gone nothing says it.
create or replace function audit.listener_of(about text, changed jsonb) returns bigint
language plpgsql stable
set search_path = pg_catalog
as $$
begin
  return case about
    when 'playlist' then (select p.owner_id from core.playlist as p where p.playlist_id = (changed ->> 'playlist_id')::bigint)
    when 'top_list' then (select t.listener_id from core.top_list as t where t.top_list_id = (changed ->> 'top_list_id')::bigint)
    else (changed ->> about)::bigint
  end;
end
$$;
comment on function audit.listener_of(text, jsonb) is
  'The listener a changed row is about, or NULL: by the column that is named, or by the playlist or top list it is part of.';

-- Runs as its owner: who may change core needs no right to write, or read, what was recorded.
create or replace function audit.record_change() returns trigger
language plpgsql
security definer
set search_path = pg_catalog
as $$
declare
  before_row jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - 'image' end;
  after_row jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - 'image' end;
begin
  -- Erasing a person must not write down what was erased; the run row says that it was done.
  if current_setting('warehouse.forget', true) = 'on' then
    return null;
  end if;
  insert into audit.change (changed_by, acting_as, table_name, operation, listener_id, old_row, new_row)
  values (session_user, current_setting('role'), tg_table_schema || '.' || tg_table_name, tg_op,
          audit.listener_of(coalesce(tg_argv[0], 'listener_id'), coalesce(after_row, before_row)), before_row, after_row);
  return null;
end
$$;
comment on function audit.record_change() is
  'Trigger: writes the change to audit.change. Its argument says how to find whom the row is about, where no column listener_id does: see audit.listener_of.';

create or replace function audit.refuse_change() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  if tg_op = 'DELETE' and current_setting('warehouse.forget', true) = 'on' then
    return null;
  end if;
  raise exception using errcode = 'restrict_violation', message = 'table audit.change is append-only',
    detail = format('%s is refused: what was recorded stays, but for what is about a person who is forgotten.', tg_op);
end
$$;
comment on function audit.refuse_change() is 'Trigger: refuses UPDATE, DELETE and TRUNCATE of recorded changes.';

create or replace trigger change_append_only before update or delete or truncate on audit.change
  for each statement execute function audit.refuse_change();
