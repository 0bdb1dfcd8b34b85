-- They run as their owner: who loads plays into core needs no right on the marts.
create or replace function mart.note_changed_plays() returns trigger
language plpgsql
security definer
set search_path = pg_catalog
as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    insert into mart.changed_play (play_id) select o.play_id from old_plays as o;
  end if;
  if tg_op = 'INSERT' then
    insert into mart.changed_play (play_id) select n.play_id from new_plays as n;
  end if;
  return null;
end
$$;
comment on function mart.note_changed_plays() is 'Trigger: notes plays that came, changed or went, for the next mart.refresh; once per statement.';

create or replace trigger play_note_insert after insert on core.play
  referencing new table as new_plays for each statement execute function mart.note_changed_plays();
create or replace trigger play_note_update after update on core.play
  referencing old table as old_plays for each statement execute function mart.note_changed_plays();
create or replace trigger play_note_delete after delete on core.play
  referencing old table as old_plays for each statement execute function mart.note_changed_plays();

create or replace function mart.note_moved_listener() returns trigger
language plpgsql
security definer
set search_path = pg_catalog
as $$
begin
  insert into mart.changed_play (play_id) select p.play_id from core.play as p where p.listener_id = new.listener_id;
  return null;
end
$$;
comment on function mart.note_moved_listener() is 'Trigger: another time zone puts a listener''s plays on other days and hours; notes them for the next mart.refresh.';

create or replace trigger listener_note_zone after update of time_zone on core.listener
  for each row when (old.time_zone is distinct from new.time_zone) execute function mart.note_moved_listener();
