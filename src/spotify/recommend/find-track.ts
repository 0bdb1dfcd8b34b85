import type postgres from 'postgres';
import { DbadminError } from '../../base/errors.ts';
import type { Song } from './inspect.ts';

const SPOTIFY_ID = /^(?:spotify:track:|https?:\/\/open\.spotify\.com\/(?:intl-[a-z]+\/)?track\/)?([0-9A-Za-z]{22})(?:\?.*)?$/;
const SHOWN = 5;

/**
 * The song that `text` means: a track's number, a Spotify identifier, URI or address, or `artist - name`. Letters' case does
 * not matter in names; of tracks of the same meaning the one that stands for them is given.
 *
 * @throws {DbadminError} `usage` when there is none, or several.
 */
export async function findSong(sql: postgres.Sql, text: string): Promise<Song> {
  const found = await candidates(sql, text.trim());
  const [only, ...others] = found;
  if (only === undefined) {
    throw new DbadminError('usage', `the warehouse has no track "${text}"`, {
      hint: 'Give its number, its Spotify identifier, or "artist - name"; dbadmin spotify view core.track --where "name ilike \'%…%\'" finds it.',
    });
  }
  if (others.length > 0) {
    throw new DbadminError('usage', `several tracks are called "${text}"`, {
      detail: [only, ...others].map(({ trackId, name, artist }) => `${trackId}: ${artist ?? '?'} - ${name ?? '?'}`).join('\n'),
      hint: 'Give the number of one.',
    });
  }
  return only;
}

async function candidates(sql: postgres.Sql, text: string): Promise<readonly Song[]> {
  const spotifyId = SPOTIFY_ID.exec(text)?.[1];
  const isNumber = /^\d{1,18}$/.test(text);
  const parted = text.indexOf(' - ');
  const where = isNumber
    ? sql`t.track_id = ${text}`
    : spotifyId !== undefined
      ? sql`t.spotify_id = ${spotifyId}`
      : parted > 0
        ? sql`quality.b13_fold(a.name) = quality.b13_fold(${text.slice(0, parted)}) and quality.b13_fold(t.name) = quality.b13_fold(${text.slice(parted + 3)})`
        : sql`quality.b13_fold(t.name) = quality.b13_fold(${text})`;
  const rows = await sql<{ id: string; name: string | null; artist: string | null }[]>`
    select distinct s.track_id as id, s.name, s.artist
    from core.track as t
    left join core.track_artist as ta on ta.track_id = t.track_id and ta.position = 1
    left join core.artist as a on a.artist_id = ta.artist_id
    join reco.song as s on s.track_id = coalesce(t.canonical_track_id, t.track_id)
    where ${where}
    order by s.track_id limit ${SHOWN}`;
  return rows.map(({ id, name, artist }) => ({ trackId: id, name, artist }));
}
