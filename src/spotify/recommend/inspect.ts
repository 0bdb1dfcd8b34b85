import type postgres from 'postgres';
import { DbadminError } from '../../base/errors.ts';

/** A song: what tracks of the same meaning have in common. */
export interface Song {
  readonly trackId: string;
  readonly name: string | null;
  readonly artist: string | null;
}

export interface RecommendedSong extends Song {
  readonly rank: number;
  /** The stored picture of its album, as mart.cover numbers it. */
  readonly coverId: string | null;
  readonly score: number;
  /** Why it is there, in words. */
  readonly reason: string;
  /** The song of the listener, or of those they like, that said most for it. */
  readonly becauseOf: Song | null;
}

export interface SoundingSong extends Song {
  readonly rank: number;
  readonly coverId: string | null;
  /** In standard deviations over nine features. */
  readonly distance: number;
}

/** What of a listener's own songs may be recommended to them. */
export type Heard = 'never' | 'not recently' | 'any';

export interface Preference {
  readonly genres: readonly string[];
  readonly features: Readonly<Record<string, number>>;
  /** Track numbers. */
  readonly liked: readonly string[];
  /** How much it counts that others hear a song, 0 to 1; undefined for what the recommender takes itself. */
  readonly popularity: number | undefined;
  /** The listener whose own songs are left out. */
  readonly unheardBy: string | undefined;
}

/** As reco.by_preference has it. */
const DEFAULT_POPULARITY = 0.2;

interface Row {
  readonly rank: string;
  readonly track_id: string;
  readonly name: string | null;
  readonly artist: string | null;
  readonly score: number;
  readonly reason: string;
  readonly cover_id: string | null;
  readonly because_id?: string | null;
  readonly because_name?: string | null;
  readonly because_artist?: string | null;
}

const toSong = (row: Row): RecommendedSong => ({
  rank: Number(row.rank),
  trackId: row.track_id,
  name: row.name,
  artist: row.artist,
  coverId: row.cover_id,
  score: row.score,
  reason: row.reason,
  becauseOf:
    row.because_id === null || row.because_id === undefined
      ? null
      : { trackId: row.because_id, name: row.because_name ?? null, artist: row.because_artist ?? null },
});

/**
 * `count` songs for a listener.
 *
 * @throws {DbadminError} `usage` when the warehouse has no listener of that name.
 */
export async function recommendFor(
  sql: postgres.Sql,
  listener: string,
  options: { readonly count: number; readonly heard: Heard; readonly recentMs: number },
): Promise<readonly RecommendedSong[]> {
  const id = await listenerCalled(sql, listener);
  const rows = await sql<Row[]>`
    select r.rank, r.track_id, r.name, r.artist, r.score, r.reason, ${coverOf(sql)}, b.track_id as because_id, b.name as because_name,
      b.artist as because_artist
    from reco.recommend(${id}, ${options.count}, ${options.heard}, make_interval(secs => ${options.recentMs / 1000})) as r
    left join reco.song as b on b.track_id = r.because_of
    order by r.rank`;
  return rows.map(toSong);
}

async function listenerCalled(sql: postgres.Sql, name: string): Promise<string> {
  const [known] = await sql<{ id: string }[]>`select listener_id as id from core.listener where name = ${name}`;
  if (known !== undefined) return known.id;
  throw new DbadminError('usage', `the warehouse has no listener ${name}`, {
    hint: 'dbadmin spotify view core.listener lists them. For somebody without a history: --genre, --feature, --like.',
  });
}

/** The picture of the album of a song `r`. */
function coverOf(sql: postgres.Sql, name = 'cover_id'): postgres.Fragment {
  return sql`(
    select v.cover_id from core.track as t join core.cover as v on v.album_id = t.album_id
    where t.track_id = r.track_id and v.image is not null) as ${sql(name)}`;
}

/** `count` songs to play after a track. */
export async function recommendAfter(sql: postgres.Sql, track: string, count: number): Promise<readonly RecommendedSong[]> {
  const rows = await sql<Row[]>`select r.*, ${coverOf(sql)} from reco.next_track(${track}, ${count}) as r order by r.rank`;
  return rows.map(toSong);
}

/**
 * `count` songs for somebody without a history.
 *
 * @throws {DbadminError} `usage` for a genre, feature or listener that there is none of.
 */
export async function recommendByPreference(sql: postgres.Sql, preference: Preference, count: number): Promise<readonly RecommendedSong[]> {
  const { genres, features, liked, popularity, unheardBy } = preference;
  const listener = unheardBy === undefined ? null : await listenerCalled(sql, unheardBy);
  try {
    // Arrays go as JSON: nothing asks the server for types here.
    const rows = await sql<Row[]>`
      select r.rank, r.track_id, r.name, r.artist, r.score, r.reason, ${coverOf(sql)}, b.track_id as because_id, b.name as because_name,
        b.artist as because_artist
      from reco.by_preference(
        array(select jsonb_array_elements_text(${JSON.stringify(genres)}::text::jsonb)),
        ${JSON.stringify(features)}::text::jsonb,
        array(select jsonb_array_elements_text(${JSON.stringify(liked)}::text::jsonb)::bigint),
        ${count}, ${popularity ?? DEFAULT_POPULARITY}, ${listener}) as r
      left join reco.song as b on b.track_id = r.because_of
      order by r.rank`;
    return rows.map(toSong);
  } catch (error) {
    const { code, message, hint } = error as { readonly code?: string; readonly message?: string; readonly hint?: string };
    if (code === '22023') throw new DbadminError('usage', message ?? 'that preference is unknown', { hint, cause: error });
    throw error;
  }
}

/** The songs that sound most like a track; undefined when its audio features are unknown. */
export async function soundsLike(sql: postgres.Sql, track: string, count: number): Promise<readonly SoundingSong[] | undefined> {
  const [analysed] = await sql`
    select from core.track as t join reco.song_feature as f on f.track_id = coalesce(t.canonical_track_id, t.track_id)
    where t.track_id = ${track}`;
  if (analysed === undefined) return undefined;
  const rows = await sql<
    { rank: string; trackId: string; name: string | null; artist: string | null; coverId: string | null; distance: number }[]
  >`
    select r.rank, r.track_id as "trackId", r.name, r.artist, ${coverOf(sql, 'coverId')}, r.distance
    from reco.sounds_like(${track}, ${count}) as r order by r.rank`;
  return rows.map((row) => ({ ...row, rank: Number(row.rank) }));
}

/** Whether the recommender has seen all plays and playlists that are loaded. */
export async function isUpToDate(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql<{ done: boolean }[]>`
    select not (exists (select from reco.changed_day) or exists (select from reco.changed_playlist) or exists (select from reco.changed_song)) as done`;
  return row?.done === true;
}
