create or replace function core.judge_songs(batch bigint) returns void
language sql
set search_path = pg_catalog
as $$
  update quality.song_work as w
  set rule_id = 'B1', reason = format('says the same as row %s', r.first_row_no)
  from quality.b1_exact_repeats(batch) as r
  where w.batch_id = batch and w.row_no = r.row_no;

  update quality.song_work as w
  set rule_id = fault.rule_id, reason = fault.reason
  from raw.song as s
  cross join lateral (
    select judged.rule_id, judged.reason
    from quality.song_work as x
    cross join lateral (values
      (1, 'B4', case when x.track_spotify_id is null then 'track_id is missing'
                     when x.playlist_spotify_id is null then 'playlist_id is missing'
                     when x.genre_name is null or x.subgenre_name is null then 'playlist_genre or playlist_subgenre is missing' end),
      (2, 'B7', case when quality.b7_has_lost_letters(concat_ws(' ', x.track_name, x.artist_name, x.album_name, x.playlist_name))
                     then 'a name has lost letters' end),
      (3, 'B5', quality.b5_song_fault(s, x)),
      (4, 'B6', case when x.release_text is not null and x.release_date is null
                     then format('track_album_release_date is not a date: %s', x.release_text) end),
      (5, 'B8', quality.b8_song_fault(x))
    ) as judged (rank, rule_id, reason)
    where x.batch_id = s.batch_id and x.row_no = s.row_no and judged.reason is not null
    order by judged.rank
    limit 1
  ) as fault
  where w.batch_id = batch and w.rule_id is null and s.batch_id = w.batch_id and s.row_no = w.row_no;

  update quality.song_work as w
  set rule_id = 'B2', reason = format('the playlist lists the track already in row %s', r.first_row_no)
  from quality.b2_key_repeats(batch) as r
  where w.batch_id = batch and w.row_no = r.row_no;

  update quality.song_work as w
  set rule_id = 'B2', reason = format('the playlist lists the track already: batch %s row %s', pt.batch_id, pt.row_no)
  from core.playlist_track as pt
  join core.playlist as p on p.playlist_id = pt.playlist_id
  join core.track as t on t.track_id = pt.track_id
  where w.batch_id = batch and w.rule_id is null and p.spotify_id = w.playlist_spotify_id and t.spotify_id = w.track_spotify_id
$$;
comment on function core.judge_songs(bigint) is 'Second part of core.load_songs: which rows are refused, by which rule, and why.';
