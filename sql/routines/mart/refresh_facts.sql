-- The plays of a load are fresh, and in memory: to look each up costs less than the planner thinks, who would read all that there are.
create or replace function mart.refresh_facts() returns bigint
language plpgsql
set search_path = pg_catalog
set random_page_cost = 1.1
as $$
declare
  looked_at bigint;
begin
  -- What their days and artists were before matters as much as what they are after.
  insert into mart.touched_work (date_id, track_id)
  select distinct f.date_id, f.track_id from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id
  on conflict do nothing;

  insert into mart.change_work (play_id, is_after, date_id, track_id, listener_id, is_listen, ms_played, played_at)
  select f.play_id, false, f.date_id, f.track_id, f.listener_id, f.is_listen, f.ms_played, f.played_at
  from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id;

  delete from mart.fact_play as f using mart.play_work as w
  where f.play_id = w.play_id and not exists (select from core.play as p where p.play_id = f.play_id);

  insert into mart.fact_play as f
    (play_id, listener_id, track_id, artist_id, album_id, date_id, time_id, source_id, played_at, ms_played, is_listen, explicit)
  select n.play_id, n.listener_id, n.track_id, n.artist_id, n.album_id, n.date_id, n.time_id, n.source_id, n.played_at, n.ms_played,
         n.is_listen, n.explicit
  from mart.play_wanted as n
  join mart.play_work as w on w.play_id = n.play_id
  on conflict (play_id) do update
    set listener_id = excluded.listener_id, track_id = excluded.track_id, artist_id = excluded.artist_id, album_id = excluded.album_id,
        date_id = excluded.date_id, time_id = excluded.time_id, source_id = excluded.source_id, played_at = excluded.played_at,
        ms_played = excluded.ms_played, is_listen = excluded.is_listen, explicit = excluded.explicit
    where f.* is distinct from excluded.*;

  insert into mart.touched_work (date_id, track_id)
  select distinct f.date_id, f.track_id from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id
  on conflict do nothing;

  insert into mart.change_work (play_id, is_after, date_id, track_id, listener_id, is_listen, ms_played, played_at)
  select f.play_id, true, f.date_id, f.track_id, f.listener_id, f.is_listen, f.ms_played, f.played_at
  from mart.fact_play as f join mart.play_work as w on w.play_id = f.play_id;

  select count(*) into looked_at from mart.play_work;
  return looked_at;
end
$$;
comment on function mart.refresh_facts() is 'Second part of mart.refresh: the noted plays become facts, or cease to be; gives how many were looked at.';
