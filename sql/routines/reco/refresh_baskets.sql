create or replace function reco.refresh_profiles() returns void
language plpgsql
set search_path = pg_catalog
as $$
begin
  delete from reco.listener_song as s using reco.listener_song_work as w
  where s.listener_id = w.listener_id and s.track_id = w.track_id
    and not exists (select from reco.listen as l where l.track_id = s.track_id and l.listener_id = s.listener_id);

  insert into reco.listener_song as s (listener_id, track_id, listens, last_heard_at)
  select l.listener_id, l.track_id, count(*), max(l.ended_at)
  from reco.listener_song_work as w
  join reco.listen as l on l.track_id = w.track_id and l.listener_id = w.listener_id
  group by l.listener_id, l.track_id
  on conflict (listener_id, track_id) do update set listens = excluded.listens, last_heard_at = excluded.last_heard_at
  where (s.listens, s.last_heard_at) is distinct from (excluded.listens, excluded.last_heard_at);

  -- Counted now: planned for the empty table it was before, what follows would loop over every pair of rows.
  perform reco.measure_work();

  -- Who came into a profile, or left it, changes what everybody else in it is found with.
  with touched as (
    select distinct w.listener_id from reco.listener_song_work as w
  ), ranked as (
    select s.listener_id, s.track_id, s.is_profile,
      row_number() over (partition by s.listener_id order by s.listens desc, s.track_id) <= (select e.profile_songs from reco.setting as e) as wanted
    from reco.listener_song as s where s.listener_id in (select t.listener_id from touched as t)
  ), moved as (
    update reco.listener_song as s set is_profile = r.wanted
    from ranked as r
    where s.listener_id = r.listener_id and s.track_id = r.track_id and r.is_profile <> r.wanted
    returning s.listener_id
  )
  insert into reco.song_work (basis, track_id)
  select distinct 'listeners', r.track_id from ranked as r
  where (r.is_profile or r.wanted) and r.listener_id in (select m.listener_id from moved as m)
  union
  select 'listeners', w.track_id from reco.listener_song_work as w
  where not exists (select from reco.listener_song as s where s.listener_id = w.listener_id and s.track_id = w.track_id)
  on conflict do nothing;
end
$$;
comment on function reco.refresh_profiles() is 'Second part of reco.refresh: how often listeners heard what, and which of it stands for them.';

create or replace function reco.refresh_listed() returns void
language sql
set search_path = pg_catalog
as $$
  with changed as (
    delete from reco.changed_playlist returning playlist_id
  ), touched as (
    select distinct c.playlist_id from changed as c
  ), wanted as (
    select w.playlist_id, w.track_id
    from (
      select u.playlist_id, u.track_id, count(*) over (partition by u.playlist_id) as songs
      from (
        select distinct pt.playlist_id, coalesce(t.canonical_track_id, t.track_id) as track_id
        from core.playlist_track as pt join core.track as t on t.track_id = pt.track_id
        where pt.playlist_id in (select t.playlist_id from touched as t)
      ) as u
    ) as w
    where w.songs between 2 and (select s.playlist_songs from reco.setting as s)
  ), went as (
    delete from reco.listed as l
    where l.playlist_id in (select t.playlist_id from touched as t)
      and not exists (select from wanted as w where w.playlist_id = l.playlist_id and w.track_id = l.track_id)
    returning l.playlist_id, l.track_id
  ), came as (
    insert into reco.listed (playlist_id, track_id)
    select w.playlist_id, w.track_id from wanted as w
    on conflict do nothing
    returning playlist_id, track_id
  ), moved as (
    select w.playlist_id from went as w union select c.playlist_id from came as c
  )
  insert into reco.song_work (basis, track_id)
  select 'playlists', w.track_id from wanted as w where w.playlist_id in (select m.playlist_id from moved as m)
  union
  select 'playlists', w.track_id from went as w
  on conflict do nothing
$$;
comment on function reco.refresh_listed() is 'Third part of reco.refresh: the songs of changed playlists.';
