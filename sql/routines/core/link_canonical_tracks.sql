create or replace procedure core.link_canonical_tracks(inout run bigint default null)
language plpgsql
set search_path = pg_catalog
as $$
declare
  message text;
  looked_at bigint;
begin
  run := quality.start_run('core.link_canonical_tracks', null);
  begin
    -- Nameless tracks share nothing but our ignorance: counted as a group, never linked.
    update core.track as t
    set canonical_track_id = wanted.canonical
    from (
      select m.track_id, nullif(first_value(m.track_id) over (
               partition by m.name_folded, m.artist_folded
               order by (m.spotify_id is null), m.popularity desc nulls last, m.spotify_id collate "C", m.track_id), m.track_id) as canonical
      from core.track_meaning as m
      where m.name_folded is not null
    ) as wanted
    where t.track_id = wanted.track_id and t.canonical_track_id is distinct from wanted.canonical;

    insert into quality.rule_count (run_id, rule_id, finding, found)
    select run, 'B13', f.finding, f.found
    from (
      select count(*) as groups, count(*) filter (where g.name_folded is null) as nameless, sum(g.ids - 1) as surplus
      from (
        select m.name_folded, m.artist_folded, count(*) as ids
        from core.track_meaning as m where m.spotify_id is not null
        group by m.name_folded, m.artist_folded having count(*) > 1
      ) as g
    ) as ids
    cross join (
      select count(*) as linked from core.track as t where t.spotify_id is null and t.canonical_track_id is not null
    ) as spellings
    cross join lateral (values
      ('groups of Spotify identifiers that mean the same', ids.groups),
      ('groups without a name, not linked', ids.nameless),
      ('surplus Spotify identifiers', coalesce(ids.surplus, 0)),
      ('spellings of histories linked to another track', spellings.linked)
    ) as f (finding, found);

    select count(*) into looked_at from core.track;
    call quality.finish_run(run, looked_at, looked_at, 0);
  exception when others then
    get stacked diagnostics message = message_text;
    call quality.fail_run(run, message);
  end;
end
$$;
comment on procedure core.link_canonical_tracks(bigint) is
  'B13: links tracks of the same name and artist to the most popular of them. Can be called again; only links that changed are written.';
