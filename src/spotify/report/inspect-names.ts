import type postgres from 'postgres';
import { DbadminError } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import type { AskedScope, Meant, Scope } from './scope.ts';

interface Candidate extends Meant {
  /** What tells it from others of the same name. */
  readonly of: string | null;
}

const SHOWN_CANDIDATES = 8;

/**
 * Finds what the words of the reader mean: names in whatever case, the number a list shows, or Spotify's identifier.
 *
 * An artist tells albums of one name apart, an artist or album tracks. Tracks of the same name and artist are one.
 *
 * @throws {DbadminError} `usage` for a word that means nothing, or more than one thing.
 */
export async function findScope(sql: postgres.TransactionSql, asked: AskedScope): Promise<Scope> {
  const { month, from, to, top } = asked;
  const artist = await find(asked.artist, '--artist', async (word) => await artistsCalled(sql, word));
  const album = await find(asked.album, '--album', async (word) => await albumsCalled(sql, word, artist?.id));
  return {
    month,
    from,
    to,
    top,
    artist,
    album,
    track: await find(asked.track, '--track', async (word) => await songsCalled(sql, word, artist?.id, album?.id)),
    listener: await findListener(sql, asked.listener),
    chart: await findChart(sql, asked.chart),
    zone: await findZone(sql, asked.zone),
    unreadable: await findUnreadable(sql),
  };
}

async function find(
  word: string | undefined,
  option: string,
  candidates: (word: string) => Promise<readonly Candidate[]>,
): Promise<Meant | undefined> {
  if (word === undefined) return undefined;
  const [only, ...others] = await candidates(word);
  if (only === undefined) throw new DbadminError('usage', `${option}: nothing is called "${word}"`, { hint: listHint(option) });
  if (others.length === 0) return { id: only.id, name: only.name };
  const all = [only, ...others];
  const shown = all.slice(0, SHOWN_CANDIDATES).map(({ id, name, of }) => `${id}  ${name}${of === null ? '' : ` (${of})`}`);
  throw new DbadminError('usage', `${option}: several are called "${word}"`, {
    detail: [...shown, ...(all.length > SHOWN_CANDIDATES ? [`and ${all.length - SHOWN_CANDIDATES} more`] : [])].join('\n'),
    hint: `Give the number in place of the name: ${option} ${only.id}${option === '--artist' ? '' : ', or say whose it is with --artist'}.`,
  });
}

function listHint(option: string): string {
  if (option === '--track') return 'dbadmin spotify report track-choices lists what there is.';
  if (option === '--album') return 'dbadmin spotify report album-choices lists what there is.';
  return 'dbadmin spotify report top-artists --top 100 lists those with plays.';
}

/** A whole number, as lists show them, also as `id:22` for programs, which must not meet a song that is called 22. */
const numberIn = (word: string): string | null => /^(?:id:)?([1-9]\d{0,17})$/.exec(word)?.[1] ?? null;

/** The identifier in `spotify:track:…` or an address, or the word. */
const identifierIn = (word: string): string => /(?:^spotify:\w+:|\/)([0-9A-Za-z]{22})(?:\?.*)?$/.exec(word)?.[1] ?? word;

async function artistsCalled(sql: postgres.TransactionSql, word: string): Promise<readonly Candidate[]> {
  return await preferName(
    sql<(Candidate & { byName: boolean })[]>`
      select a.artist_id::text as id, a.name, a.spotify_id as of, lower(a.name) = lower(${word}) as "byName"
      from mart.dim_artist as a
      where lower(a.name) = lower(${word}) or a.spotify_id = ${identifierIn(word)} or a.artist_id = ${numberIn(word)}::bigint
      order by a.artist_id`,
  );
}

async function albumsCalled(sql: postgres.TransactionSql, word: string, artist: string | undefined): Promise<readonly Candidate[]> {
  return await preferName(
    sql<(Candidate & { byName: boolean })[]>`
      select b.album_id::text as id, coalesce(b.name, 'nameless') as name, a.name as of, lower(b.name) = lower(${word}) as "byName"
      from mart.dim_album as b left join mart.dim_artist as a on a.artist_id = b.artist_id
      where (lower(b.name) = lower(${word}) or b.spotify_id = ${identifierIn(word)} or b.album_id = ${numberIn(word)}::bigint)
        and (${artist ?? null}::bigint is null or b.artist_id = ${artist ?? null}::bigint or exists (
          select from mart.dim_track as t join mart.bridge_track_artist as x on x.track_id = t.track_id
          where t.album_id = b.album_id and x.artist_id = ${artist ?? null}::bigint))
      order by b.album_id`,
  );
}

async function songsCalled(
  sql: postgres.TransactionSql,
  word: string,
  artist: string | undefined,
  album: string | undefined,
): Promise<readonly Candidate[]> {
  return await preferName(
    sql<(Candidate & { byName: boolean })[]>`
      select s.track_id::text as id, coalesce(s.name, 'nameless') as name, a.name as of, bool_or(lower(t.name) = lower(${word})) as "byName"
      from mart.dim_track as t
      join mart.dim_track as s on s.track_id = t.song_id
      left join mart.dim_artist as a on a.artist_id = s.artist_id
      where (lower(t.name) = lower(${word}) or t.spotify_id = ${identifierIn(word)} or t.track_id = ${numberIn(word)}::bigint)
        and (${album ?? null}::bigint is null or t.album_id = ${album ?? null}::bigint)
        and (${artist ?? null}::bigint is null or exists (
          select from mart.bridge_track_artist as x where x.track_id = t.track_id and x.artist_id = ${artist ?? null}::bigint))
      group by s.track_id, s.name, a.name
      order by s.track_id`,
  );
}

/** A song may be called 22: a name stands before a number or an identifier that reads the same. */
async function preferName(found: PromiseLike<readonly (Candidate & { readonly byName: boolean | null })[]>): Promise<readonly Candidate[]> {
  const all = await found;
  const named = all.filter(({ byName }) => byName === true);
  return named.length > 0 ? named : all;
}

async function findListener(sql: postgres.TransactionSql, word: string | undefined): Promise<Meant | undefined> {
  if (word === undefined) return undefined;
  const listeners = await sql<Meant[]>`select listener_id::text as id, name from mart.dim_listener order by name`;
  const found =
    listeners.find(({ name }) => name === word) ??
    listeners.find(({ name }) => name.toLowerCase() === word.toLowerCase()) ??
    listeners.find(({ id }) => id === word);
  if (found !== undefined) return found;
  const names = listeners.map(({ name }) => name);
  throw new DbadminError('usage', `no listener is called "${word}"${suggestion(word, names)}`, {
    hint: names.length === 0 ? 'There are none: load a history first.' : `There are: ${someOf(names)}.`,
  });
}

async function findChart(sql: postgres.TransactionSql, word: string | undefined): Promise<string | undefined> {
  if (word === undefined) return undefined;
  const names = (await sql<{ chart: string }[]>`select chart from mart.chart_list order by chart`).map(({ chart }) => chart);
  const found = names.find((name) => name === word) ?? names.find((name) => name.toLowerCase() === word.toLowerCase());
  if (found !== undefined) return found;
  throw new DbadminError('usage', `no chart is called "${word}"${suggestion(word, names)}`, {
    hint: names.length === 0 ? 'There are none: load charts first.' : `There are: ${someOf(names)}.`,
  });
}

/** A role may have the marts but for single columns: where somebody lives, for instance. */
async function findUnreadable(sql: postgres.TransactionSql): Promise<ReadonlySet<string>> {
  const columns = await sql<{ name: string }[]>`
    select 'mart.' || c.relname || '.' || a.attname as name
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = to_regnamespace('mart') and c.relkind in ('v', 'r')
      and has_any_column_privilege(c.oid, 'select') and not has_column_privilege(c.oid, a.attnum, 'select')`;
  return new Set(columns.map(({ name }) => name));
}

/** By name only: UTC+5 is a name to the server too, and means the west. */
async function findZone(sql: postgres.TransactionSql, word: string | undefined): Promise<string | undefined> {
  if (word === undefined) return undefined;
  const names = (await sql<{ name: string }[]>`select name from pg_timezone_names where name !~ '^posix' order by name`).map(
    ({ name }) => name,
  );
  const found = names.find((name) => name.toLowerCase() === word.toLowerCase());
  if (found !== undefined) return found;
  throw new DbadminError('usage', `the server knows no time zone "${word}"${suggestion(word, names)}`, {
    hint: 'Give a name such as Asia/Kolkata or UTC.',
  });
}

function someOf(names: readonly string[]): string {
  return names.length <= SHOWN_CANDIDATES
    ? names.join(', ')
    : `${names.slice(0, SHOWN_CANDIDATES).join(', ')} and ${names.length - SHOWN_CANDIDATES} more`;
}
