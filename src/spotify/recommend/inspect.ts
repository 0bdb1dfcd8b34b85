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
  readonly score: number;
  /** Why it is there, in words. */
  readonly reason: string;
  /** The listener's song that said most for it. */
  readonly becauseOf: Song | null;
}

export interface SoundingSong extends Song {
  readonly rank: number;
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
}

interface Row {
  readonly rank: string;
  readonly track_id: string;
  readonly name: string | null;
  readonly artist: string | null;
  readonly score: number;
  readonly reason: string;
  readonly because_id?: string | null;
  readonly because_name?: string | null;
  readonly because_artist?: string | null;
}

const toSong = (row: Row): RecommendedSong => ({
  rank: Number(row.rank),
  trackId: row.track_id,
  name: row.name,
  artist: row.artist,
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
  const [known] = await sql<{ id: string }[]>`select listener_id as id from core.listener where name = ${listener}`;
  if (known === undefined) {
    throw new DbadminError('usage', `the warehouse has no listener ${listener}`, {
      hint: 'dbadmin spotify view core.listener lists them. For somebody without a history: --genre, --feature, --like.',
    });
  }
  const rows = await sql<Row[]>`
    select r.rank, r.track_id, r.name, r.artist, r.score, r.reason, b.track_id as because_id, b.name as because_name, b.artist as because_artist
    from reco.recommend(${known.id}, ${options.count}, ${options.heard}, make_interval(secs => ${options.recentMs / 1000})) as r
    left join reco.song as b on b.track_id = r.because_of
    order by r.rank`;
  return rows.map(toSong);
}

/** `count` songs to play after a track. */
export async function recommendAfter(sql: postgres.Sql, track: string, count: number): Promise<readonly RecommendedSong[]> {
  const rows = await sql<Row[]>`select r.* from reco.next_track(${track}, ${count}) as r order by r.rank`;
  return rows.map(toSong);
}

/**
 * `count` songs for somebody without a history.
 *
 * @throws {DbadminError} `usage` for a genre or feature that there is none of.
 */
export async function recommendByPreference(sql: postgres.Sql, preference: Preference, count: number): Promise<readonly RecommendedSong[]> {
  const { genres, features, liked } = preference;
  try {
    // Arrays go as JSON: nothing asks the server for types here.
    const rows = await sql<Row[]>`
      select r.* from reco.by_preference(
        array(select jsonb_array_elements_text(${JSON.stringify(genres)}::text::jsonb)),
        ${JSON.stringify(features)}::text::jsonb,
        array(select jsonb_array_elements_text(${JSON.stringify(liked)}::text::jsonb)::bigint),
        ${count}) as r
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
  const rows = await sql<{ rank: string; track_id: string; name: string | null; artist: string | null; distance: number }[]>`
    select s.* from reco.sounds_like(${track}, ${count}) as s order by s.rank`;
  return rows.map(({ rank, track_id: trackId, name, artist, distance }) => ({ rank: Number(rank), trackId, name, artist, distance }));
}

/** Whether the recommender has seen all plays and playlists that are loaded. */
export async function isUpToDate(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql<{ done: boolean }[]>`
    select not (exists (select from reco.changed_day) or exists (select from reco.changed_playlist) or exists (select from reco.changed_song)) as done`;
  return row?.done === true;
}
