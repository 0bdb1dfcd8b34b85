-- Slices play by play. The hash is reckoned when it is asked for: a body of type json keeps the bytes that were received.
create or replace view raw.streaming_history as
select s.batch_id, s.first_row_no + (e.place - 1)::integer as row_no, s.line_nos[e.place] as line_no, 'streaming_history'::text as source,
  s.received_at, sha256(convert_to(e.body::text, 'UTF8')) as hash, e.body
from raw.streaming_history_slice as s
cross join lateral json_array_elements(s.body) with ordinality as e (body, place);
comment on view raw.streaming_history is 'Plays of account exports: one JSON object each, as received.';
comment on column raw.streaming_history.batch_id is 'The file: raw.batch.';
comment on column raw.streaming_history.row_no is 'Number of the play in the file, from 1.';
comment on column raw.streaming_history.line_no is 'Line of the file where the play begins, from 1.';
comment on column raw.streaming_history.source is 'Format it came in.';
comment on column raw.streaming_history.received_at is 'When the transaction that received it began.';
comment on column raw.streaming_history.hash is 'SHA-256 of the object''s bytes in the file.';
comment on column raw.streaming_history.body is 'endTime, artistName, trackName, msPlayed.';

create or replace view raw.extended_history as
select s.batch_id, s.first_row_no + (e.place - 1)::integer as row_no, s.line_nos[e.place] as line_no, 'extended_history'::text as source,
  s.received_at, sha256(convert_to(e.body::text, 'UTF8')) as hash, e.body
from raw.extended_history_slice as s
cross join lateral json_array_elements(s.body) with ordinality as e (body, place);
comment on view raw.extended_history is 'Plays of extended account exports: one JSON object each, as received.';
comment on column raw.extended_history.batch_id is 'The file: raw.batch.';
comment on column raw.extended_history.row_no is 'Number of the play in the file, from 1.';
comment on column raw.extended_history.line_no is 'Line of the file where the play begins, from 1.';
comment on column raw.extended_history.source is 'Format it came in.';
comment on column raw.extended_history.received_at is 'When the transaction that received it began.';
comment on column raw.extended_history.hash is 'SHA-256 of the object''s bytes in the file.';
comment on column raw.extended_history.body is 'ts (end, UTC, to the second), ms_played, master_metadata_track_name, master_metadata_album_artist_name, master_metadata_album_album_name, spotify_track_uri, episode_name, spotify_episode_uri, platform, conn_country, reason_start, reason_end, shuffle, skipped, offline, incognito_mode and more.';
