import type postgres from 'postgres';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import { ask, type Asking } from '../api/http-run.ts';
import type { ApiPage } from '../api/run.ts';

export interface CoverOptions {
  /** Pictures in one run. */
  readonly limit: number;
  /** Asks for the album or artist when nothing tells where its picture is; undefined when nobody is signed in. */
  readonly get: ((path: string) => Promise<ApiPage>) | undefined;
  /** Told of each. */
  readonly onCover: (result: CoverResult) => void;
}

export interface CoverResult {
  readonly of: 'album' | 'artist';
  readonly name: string;
  readonly status: 'kept' | 'failed';
  readonly reason: string | undefined;
}

interface Wanted {
  readonly of: 'album' | 'artist';
  readonly id: string;
  readonly spotify_id: string | null;
  readonly name: string | null;
  readonly image_url: string | null;
}

const MAX_PICTURE_BYTES = 8 * 1024 * 1024;
/** Pictures that could not be had are tried again after so long. */
const RETRY_DAYS = 7;
/** What the first bytes of a picture are, whatever the server calls it. */
const SIGNATURES: readonly (readonly [string, RegExp])[] = [
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/png', /^\x89PNG\r\n/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
  ['image/gif', /^GIF8[79]a/],
];

/**
 * Fetches pictures of albums and artists that have none yet, most played first, and keeps them in core.cover. One that cannot be
 * had is kept as a failure with its reason, and the others go on.
 *
 * @throws {DbadminError} `privilege-missing`, `interrupted`, and what stops every further one: `sign-in-needed`.
 */
export async function fetchCovers(sql: postgres.Sql, asking: Asking, options: CoverOptions): Promise<readonly CoverResult[]> {
  const results: CoverResult[] = [];
  for (const wanted of await wantedCovers(sql, options)) {
    const result = await fetchCover(sql, asking, options, wanted);
    options.onCover(result);
    results.push(result);
  }
  return results;
}

async function wantedCovers(sql: postgres.Sql, { limit, get }: CoverOptions): Promise<readonly Wanted[]> {
  return await sql<Wanted[]>`
    select w.of, w.id, w.spotify_id, w.name, w.image_url
    from (
      select 'album' as of, a.album_id as id, a.spotify_id, a.name, a.image_url,
        (select coalesce(sum(c.plays), 0) from core.track as t join core.track_play_count as c using (track_id) where t.album_id = a.album_id) as plays,
        (select fetched_at from core.cover as v where v.album_id = a.album_id and (v.image is not null or v.fetched_at > now() - ${`${RETRY_DAYS} days`}::interval)) as kept_at
      from core.album as a
      union all
      select 'artist', a.artist_id, a.spotify_id, a.name, a.image_url, 0,
        (select fetched_at from core.cover as v where v.artist_id = a.artist_id and (v.image is not null or v.fetched_at > now() - ${`${RETRY_DAYS} days`}::interval))
      from core.artist as a
    ) as w
    where w.kept_at is null and (w.image_url is not null or (${get !== undefined} and w.spotify_id is not null))
    order by w.plays desc, w.of, w.id limit ${limit}`;
}

async function fetchCover(sql: postgres.Sql, asking: Asking, options: CoverOptions, wanted: Wanted): Promise<CoverResult> {
  const { of, name } = wanted;
  const title = name ?? wanted.spotify_id ?? wanted.id;
  let url = wanted.image_url ?? '';
  try {
    if (url === '') url = await addressOf(wanted, options);
    const picture = await download(asking, url);
    await keepCover(sql, wanted, { url, ...picture, failure: null });
    return { of, name: title, status: 'kept', reason: undefined };
  } catch (error) {
    if (!isDbadminError(error, 'api-failed') && !isDbadminError(error, 'api-refused')) throw error;
    const reason = messageOf(error);
    await keepCover(sql, wanted, {
      url: url === '' ? `spotify:${of}:${wanted.spotify_id}` : url,
      type: null,
      image: null,
      failure: reason,
    });
    return { of, name: title, status: 'failed', reason };
  }
}

/** Of the pictures that the API names the middle one is wide enough for a tile; they come from wide to small. */
async function addressOf({ of, spotify_id: id }: Wanted, { get }: CoverOptions): Promise<string> {
  const page = await get?.(`${of}s/${id}`);
  const images = Array.isArray(page?.body['images']) ? (page.body['images'] as readonly unknown[]) : [];
  const image = images[Math.floor((images.length - 1) / 2)];
  if (typeof image === 'object' && image !== null && 'url' in image && typeof image.url === 'string') return image.url;
  throw new DbadminError('api-refused', `Spotify has no picture of this ${of}`);
}

async function download(asking: Asking, url: string): Promise<{ readonly type: string; readonly image: Buffer }> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new DbadminError('api-refused', 'the picture has no address');
  // No token goes with it: pictures are public, and lie on another server.
  const answer = await ask(asking, { method: 'GET', url, name: 'a picture', maxBytes: MAX_PICTURE_BYTES }, () => true);
  if (answer.status >= 300) throw new DbadminError('api-refused', `the picture was refused with status ${answer.status}`);
  const head = answer.body.subarray(0, 16).toString('latin1');
  const type = SIGNATURES.find(([, signature]) => signature.test(head))?.[0];
  if (type === undefined) throw new DbadminError('api-refused', 'what came is no picture');
  return { type, image: answer.body };
}

interface Cover {
  readonly url: string;
  readonly type: string | null;
  readonly image: Buffer | null;
  readonly failure: string | null;
}

async function keepCover(sql: postgres.Sql, { of, id }: Wanted, { url, type, image, failure }: Cover): Promise<void> {
  const [album, artist] = of === 'album' ? [id, null] : [null, id];
  await sql`
    insert into core.cover (album_id, artist_id, source_url, media_type, image, failure)
    values (${album}, ${artist}, ${url}, ${type}, ${image}, ${failure})
    on conflict (${sql(of === 'album' ? 'album_id' : 'artist_id')}) do update
    set source_url = excluded.source_url, media_type = excluded.media_type, image = excluded.image, failure = excluded.failure, fetched_at = now()`;
}
