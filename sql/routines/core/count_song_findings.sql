create or replace function core.count_song_findings(run bigint, batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  insert into quality.rule_count (run_id, rule_id, finding, found)
  select run, f.rule_id, f.finding, f.found
  from (
    select
      count(*) filter (where w.rule_id = 'B1') as repeats,
      count(*) filter (where w.rule_id = 'B2') as key_repeats,
      count(*) filter (where w.track_name is null) as no_track_name,
      count(*) filter (where w.artist_name is null) as no_artist,
      count(*) filter (where w.album_name is null) as no_album_name,
      count(*) filter (where s.instrumentalness ~ '[0-9][eE]') as scientific,
      count(*) filter (where concat_ws(' ', s.energy, s.acousticness, s.instrumentalness, s.valence, s.liveness, s.speechiness,
        s.danceability) ~ '[0-9][eE][+-]?[0-9]') as scientific_any,
      count(*) filter (where w.rule_id = 'B5') as not_numbers,
      count(*) filter (where w.release_date_precision = 'day') as days,
      count(*) filter (where w.release_date_precision = 'month') as months,
      count(*) filter (where w.release_date_precision = 'year') as years,
      count(*) filter (where w.rule_id = 'B6') as impossible_dates,
      count(*) filter (where quality.b7_trim(s.track_name) <> s.track_name or quality.b7_trim(s.track_artist) <> s.track_artist
        or quality.b7_trim(s.track_album_name) <> s.track_album_name or quality.b7_trim(s.playlist_name) <> s.playlist_name) as blanks,
      count(*) filter (where w.rule_id = 'B7') as lost_letters,
      count(*) filter (where w.rule_id = 'B8') as out_of_range,
      count(*) filter (where w.loudness > 0) as loud,
      count(*) filter (where w.tempo = 0) as not_analysed,
      count(*) filter (where w.duration_ms < 30000) as short,
      count(*) filter (where w.popularity = 0) as unpopular
    from quality.song_work as w
    join raw.song as s using (batch_id, row_no)
    where w.batch_id = batch
  ) as t
  cross join lateral (values
    ('B1', 'exact repeats', t.repeats),
    ('B2', 'track again in the same playlist', t.key_repeats),
    ('B4', 'track without a name', t.no_track_name),
    ('B4', 'track without an artist', t.no_artist),
    ('B4', 'album without a name', t.no_album_name),
    ('B5', 'scientific notation in instrumentalness', t.scientific),
    ('B5', 'scientific notation in any feature', t.scientific_any),
    ('B5', 'text in a number column', t.not_numbers),
    ('B6', 'release date to the day', t.days),
    ('B6', 'release date to the month', t.months),
    ('B6', 'release date to the year', t.years),
    ('B6', 'impossible date', t.impossible_dates),
    ('B7', 'outer blanks', t.blanks),
    ('B7', 'lost letters', t.lost_letters),
    ('B8', 'out of range', t.out_of_range),
    ('B8', 'loudness above 0 dB', t.loud),
    ('B8', 'tempo 0: never analysed', t.not_analysed),
    ('B8', 'shorter than 30 s', t.short),
    ('B8', 'popularity 0', t.unpopular)
  ) as f (rule_id, finding, found)
$$;
comment on function core.count_song_findings(bigint, bigint) is 'Third part of core.load_songs: what each rule found, in rows.';
