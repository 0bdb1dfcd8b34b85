-- The recommender on a few plays: songs heard side by side are neighbours, songs of the same meaning are one, skips are none,
-- and what a listener knows is not recommended to them.
insert into raw.batch (batch_id, source, file_name, listener_name, content_sha256, size_bytes, row_count) overriding system value
values (-1, 'streaming_history', 'f', 'ada', sha256('f'), 1, 9);
insert into core.listener (listener_id, name) overriding system value values (-1, 'ada'), (-2, 'bob');
insert into core.artist (artist_id, name) overriding system value values (-1, 'A'), (-2, 'B');
insert into core.track (track_id, name, canonical_track_id) overriding system value
values (-1, 'One', null), (-2, 'Two', null), (-3, 'Three', null), (-4, 'Skipped', null), (-5, 'one', -1);
insert into core.track_artist (track_id, position, artist_id) values (-1, 1, -1), (-2, 1, -1), (-3, 1, -2), (-4, 1, -2), (-5, 1, -1);
insert into core.audio_feature (track_id, danceability, energy, loudness_db, speechiness, acousticness, instrumentalness, liveness, valence, tempo_bpm)
select -n, n / 10.0, n / 10.0, -n, n / 10.0, n / 10.0, n / 10.0, n / 10.0, n / 10.0, 100 + n from generate_series(1, 4) as n;
insert into core.play (listener_id, track_id, ended_at, ms_played, batch_id, row_no)
values (-1, -1, '2025-01-01 10:00Z', 60000, -1, 1), (-1, -4, '2025-01-01 10:01Z', 5000, -1, 2), (-1, -2, '2025-01-01 10:02Z', 60000, -1, 3),
       (-2, -5, '2025-01-01 10:00Z', 60000, -1, 4), (-2, -2, '2025-01-01 10:02Z', 60000, -1, 5), (-2, -3, '2025-01-01 10:04Z', 60000, -1, 6),
       (-2, -1, '2025-01-01 20:00Z', 60000, -1, 7);
call reco.refresh();

do $$
begin
  assert (select count(*) from reco.listen) = 6, 'a skip counts, or a listen does not';
  assert (select count(distinct session_id) from reco.listen where listener_id = -2) = 2, 'a long silence ends a session';
  assert not exists (select from reco.neighbour where -5 in (track_id, neighbour_id)), 'a track that another stands for';
  -- Side by side twice, 5 points of 5 each; One occurs three times, Two twice.
  assert (select round(score::numeric, 4) from reco.neighbour where basis = 'sessions' and track_id = -1 and rank = 1)
    = round((2 / (sqrt(3 * 2) + 5))::numeric, 4), 'the score of a neighbour';
  assert (select array_agg(track_id order by rank) from reco.recommend(-1, 10)) = '{-3}', 'what ada does not know, and nothing else';
  assert (select reason from reco.recommend(-1, 1)) = 'found together', 'the reason';
  assert (select count(*) from reco.recommend(-1, 10, 'any')) = 3, 'any song that was heard';
  assert (select array_agg(track_id order by rank) from reco.sounds_like(-2, 2)) <@ '{-1,-3}', 'what sounds nearest';
  assert (select track_id from reco.next_track(-5, 1)) = -2, 'after a track that another stands for';
  assert (select array_agg(track_id order by rank) from reco.by_preference(features => '{"tempo_bpm": 103}', k => 1)) = '{-3}', 'near a feature';
  assert not exists (
    select from reco.feature_scale as s where s.deviation is null or s.mean is null), 'a scale without a measure';
end
$$;
