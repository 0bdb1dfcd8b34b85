import type postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { FEATURES, type ListeningData } from './data.ts';
import { growingFloat64, growingInt32 } from './numbers.ts';
import { listsOf } from './sparse.ts';

const BATCH_ROWS = 10_000;
const UNKNOWN: readonly number[] = Array.from({ length: FEATURES }, () => Number.NaN);

interface SongRow {
  readonly track_id: string;
  readonly artist_id: string | null;
  readonly popularity: number | null;
  readonly features: string | null;
}

/**
 * All listens and playlists of the warehouse by song, read in one snapshot.
 *
 * @throws {DbadminError} `refused` when the warehouse has no recommender yet, `privilege-missing`.
 */
export async function readListeningWarehouse(sql: postgres.Sql, onProgress: (rows: number) => void): Promise<ListeningData> {
  try {
    return await sql.begin('isolation level repeatable read read only', async (transaction) => await read(transaction, onProgress));
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === '42P01' || code === '3F000') {
      throw new DbadminError('refused', 'this database has no recommender', {
        detail: messageOf(error),
        hint: 'dbadmin migrate brings the warehouse up to date.',
        cause: error,
      });
    }
    if (code === '42501')
      throw new DbadminError('privilege-missing', 'this role may not read what is evaluated on', {
        detail: messageOf(error),
        cause: error,
      });
    throw error;
  }
}

async function read(sql: postgres.TransactionSql, onProgress: (rows: number) => void): Promise<ListeningData> {
  const numbers = new Map<string, number>();
  const [artistOf, popularity] = [growingInt32(), growingFloat64()];
  const features: number[] = [];
  for await (const rows of sql<SongRow[]>`
    select s.track_id, s.artist_id, s.popularity, array_to_string(f.features, ' ') as features
    from reco.song as s left join reco.song_sound as f on f.track_id = s.track_id order by s.track_id`.cursor(BATCH_ROWS)) {
    for (const row of rows) {
      numbers.set(row.track_id, numbers.size);
      artistOf.push(Number(row.artist_id ?? -1));
      popularity.push(row.popularity ?? Number.NaN);
      features.push(...(row.features?.split(' ').map(Number) ?? UNKNOWN));
    }
  }
  const songOf = (id: unknown): number => numbers.get(String(id)) ?? 0;
  const [listenerOf, heard, endedAtMs, msPlayed] = [growingInt32(), growingInt32(), growingFloat64(), growingInt32()];
  for await (const rows of sql`
    select l.listener_id, coalesce(t.canonical_track_id, t.track_id), extract(epoch from l.ended_at)::float8 * 1000, l.ms_played
    from core.listen as l join core.track as t on t.track_id = l.track_id
    order by l.listener_id, l.ended_at, l.minute_seq, l.play_id`
    .values()
    .cursor(BATCH_ROWS)) {
    for (const [listener, song, ended, ms] of rows) {
      listenerOf.push(Number(listener));
      heard.push(songOf(song));
      endedAtMs.push(Number(ended));
      msPlayed.push(Number(ms));
    }
    onProgress(heard.length);
  }
  const playlists = new Map<string, number[]>();
  for await (const rows of sql`
    select distinct pt.playlist_id, coalesce(t.canonical_track_id, t.track_id)
    from core.playlist_track as pt join core.track as t on t.track_id = pt.track_id order by 1, 2`
    .values()
    .cursor(BATCH_ROWS)) {
    for (const [playlist, song] of rows) {
      const songs = playlists.get(String(playlist));
      if (songs === undefined) playlists.set(String(playlist), [songOf(song)]);
      else songs.push(songOf(song));
    }
  }
  return {
    source: 'warehouse',
    catalogue: { songs: numbers.size, artistOf: artistOf.take(), popularity: popularity.take(), features: Float64Array.from(features) },
    history: { listenerOf: listenerOf.take(), songOf: heard.take(), endedAtMs: endedAtMs.take(), msPlayed: msPlayed.take() },
    playlists: listsOf(playlists.values()),
  };
}
