import type postgres from 'postgres';
import { SeededRandom } from '../../../src/spotify/generate/random.ts';

const [ARTISTS, TRACKS, LISTENERS, PLAYLISTS] = [20, 150, 8, 9];
const DAY_MS = 86_400_000;

/** Listens of one listener, in sessions, from `firstDay` of 2025 on; each listener has a taste. Skips are among them. */
export function listens(listener: number, count: number, seed: number, firstDay = 0): readonly object[] {
  const random = new SeededRandom(seed * 100 + listener);
  let endedAtMs = Date.UTC(2025, 0, 1 + firstDay);
  return Array.from({ length: count }, () => {
    endedAtMs += random.oneIn(12) ? DAY_MS / 2 : 181_000;
    const track = 1 + ((random.skewed(60) + (random.oneIn(4) ? 70 : 10 * listener)) % TRACKS);
    return { listener, track, ended_at: new Date(endedAtMs).toISOString(), ms_played: random.oneIn(6) ? 9000 : 180_000 };
  });
}

/** Adds plays; `row` numbers their rows on from there. */
export async function addPlays(sql: postgres.Sql, plays: readonly object[], row: number): Promise<void> {
  await sql`
    insert into core.play (listener_id, track_id, ended_at, ms_played, time_precision, minute_seq, batch_id, row_no)
    select p.listener, p.track, p.ended_at, p.ms_played, 'second', 1, 1, ${row} + row_number() over ()
    from jsonb_to_recordset(${JSON.stringify(plays)}::text::jsonb) as p (listener bigint, track bigint, ended_at timestamptz, ms_played integer)`;
}

/** A small warehouse: 20 artists, 150 tracks of which 10 mean the same as another, 8 listeners, 9 playlists in 3 genres. */
export async function fillWarehouse(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    insert into raw.batch (source, file_name, content_sha256, size_bytes, row_count) values ('songs', 'made up', sha256('made up'), 1, 1);
    insert into core.artist (name) select 'Artist ' || n from generate_series(1, ${ARTISTS}) as n;
    insert into core.track (spotify_id, name, popularity) select 'id ' || n, 'Song ' || n, n % 90 from generate_series(1, ${TRACKS}) as n;
    insert into core.track_artist (track_id, position, artist_id) select n, 1, 1 + n % ${ARTISTS} from generate_series(1, ${TRACKS}) as n;
    update core.track set canonical_track_id = track_id - 100 where track_id between 111 and 120;
    insert into core.audio_feature (track_id, danceability, energy, loudness_db, speechiness, acousticness, instrumentalness, liveness, valence, tempo_bpm)
      select n, (n * 7 % 101) / 101.0, (n * 13 % 97) / 97.0, -(n % 40), (n * 3 % 89) / 89.0, (n * 11 % 83) / 83.0, 0, (n * 5 % 79) / 79.0, (n % 71) / 71.0, 60 + n
      from generate_series(1, 140) as n;
    update core.audio_feature set tempo_bpm = 0 where track_id = 5;
    insert into core.listener (name) select 'listener ' || n from generate_series(1, ${LISTENERS}) as n;
    insert into core.genre (name) values ('rock'), ('pop'), ('jazz');
    insert into core.subgenre (genre_id, name) select genre_id, 'deep ' || name from core.genre;
    insert into core.playlist (spotify_id, name) select 'list ' || n, 'List ' || n from generate_series(1, ${PLAYLISTS}) as n;
    insert into core.playlist_track (playlist_id, track_id, batch_id, row_no)
      select p, 1 + (p * 11 + n * (1 + p % 4)) % ${TRACKS}, 1, 1000 * p + n from generate_series(1, ${PLAYLISTS}) as p, generate_series(1, 8 + 3 * p) as n;
    insert into core.playlist_track_subgenre (playlist_id, track_id, subgenre_id)
      select playlist_id, track_id, 1 + playlist_id % 3 from core.playlist_track;
    -- Few, so that who is among them matters.
    update reco.setting set profile_songs = 10, neighbours = 20`);
  for (let listener = 1; listener <= LISTENERS; listener += 1) await addPlays(sql, listens(listener, 60, 1), 100_000 * listener);
}
