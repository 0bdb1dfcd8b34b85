create or replace function core.count_plays() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    update core.track_play_count as c
    set plays = c.plays - gone.plays, ms_played = c.ms_played - gone.ms_played
    from (select o.track_id, count(*) as plays, sum(o.ms_played) as ms_played from old_plays as o group by o.track_id) as gone
    where c.track_id = gone.track_id;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    insert into core.track_play_count as c (track_id, plays, ms_played)
    select n.track_id, count(*), sum(n.ms_played) from new_plays as n group by n.track_id order by n.track_id
    on conflict (track_id) do update set plays = c.plays + excluded.plays, ms_played = c.ms_played + excluded.ms_played;
  end if;
  return null;
end
$$;
comment on function core.count_plays() is 'Trigger: keeps core.track_play_count, once per statement.';

create or replace trigger play_count_insert after insert on core.play
  referencing new table as new_plays for each statement execute function core.count_plays();
create or replace trigger play_count_update after update on core.play
  referencing old table as old_plays new table as new_plays for each statement execute function core.count_plays();
create or replace trigger play_count_delete after delete on core.play
  referencing old table as old_plays for each statement execute function core.count_plays();
