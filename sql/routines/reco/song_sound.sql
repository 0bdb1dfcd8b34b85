create or replace view reco.song_sound as
select distinct on (coalesce(t.canonical_track_id, t.track_id))
  coalesce(t.canonical_track_id, t.track_id) as track_id,
  array[f.danceability, f.energy, f.loudness_db, f.speechiness, f.acousticness, f.instrumentalness, f.liveness, f.valence, f.tempo_bpm] as features
from core.audio_feature as f
join core.track as t on t.track_id = f.track_id
where num_nulls(f.danceability, f.energy, f.loudness_db, f.speechiness, f.acousticness, f.instrumentalness, f.liveness, f.valence, f.tempo_bpm) = 0
order by coalesce(t.canonical_track_id, t.track_id), (t.canonical_track_id is not null), t.track_id;
comment on view reco.song_sound is 'The nine audio features of each song that was analysed; its own before those of a track it stands for.';
comment on column reco.song_sound.track_id is 'The song.';
comment on column reco.song_sound.features is 'In the order of reco.feature_scale.';
