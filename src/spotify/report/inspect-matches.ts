import type postgres from 'postgres';

export type MatchKind = 'listener' | 'artist' | 'album' | 'track';
export const MATCH_KINDS: readonly MatchKind[] = ['listener', 'artist', 'album', 'track'];

/** Something of the marts whose name holds what was typed. */
export interface Match {
  readonly kind: MatchKind;
  /** What --listener, --artist, --album and --track take besides names. */
  readonly id: string;
  readonly name: string;
  /** Whose it is, where known. */
  readonly artist: string | null;
  /** Plays of 30 s to 60 min, by everybody. */
  readonly plays: number;
}

type Row = Omit<Match, 'kind' | 'plays'> & { readonly plays: string };

/** So many of each kind are weighed by their plays; they are taken by name first: that begin with the text, then the shorter. */
const WEIGHED = 200;

/**
 * What of each kind holds `text` in its name, whatever its case: names that begin with it first, then those with most plays;
 * `most` of each kind.
 */
export async function findMatches(sql: postgres.Sql, text: string, kinds: readonly MatchKind[], most: number): Promise<readonly Match[]> {
  const found: Match[] = [];
  for (const kind of kinds) {
    const rows = await QUERIES[kind](sql, text.toLowerCase(), most);
    found.push(...rows.map((row) => ({ ...row, kind, plays: Number(row.plays) })));
  }
  return found;
}

const QUERIES: Readonly<Record<MatchKind, (sql: postgres.Sql, text: string, most: number) => Promise<readonly Row[]>>> = {
  listener: async (sql, text, most) =>
    await sql<Row[]>`
      select l.listener_id::text as id, l.name, null as artist, (
        select count(*) from mart.fact_play as p where p.listener_id = l.listener_id and p.is_listen) as plays
      from mart.dim_listener as l where strpos(lower(l.name), ${text}) > 0
      order by strpos(lower(l.name), ${text}) <> 1, 4 desc, l.name limit ${most}`,
  artist: async (sql, text, most) =>
    await sql<Row[]>`
      select a.artist_id::text as id, a.name, null as artist, coalesce(s.listens, 0) as plays
      from mart.dim_artist as a left join mart.artist_play_summary as s on s.artist_id = a.artist_id
      where strpos(lower(a.name), ${text}) > 0
      order by strpos(lower(a.name), ${text}) <> 1, 4 desc, a.name, a.artist_id limit ${most}`,
  album: async (sql, text, most) =>
    await sql<Row[]>`
      with named as (
        select b.album_id, b.name, strpos(lower(b.name), ${text}) <> 1 as is_inside from mart.dim_album as b
        where strpos(lower(b.name), ${text}) > 0 order by 3, length(b.name), b.album_id limit ${WEIGHED}
      )
      select n.album_id::text as id, n.name, mart.album_artist(n.album_id) as artist, (
        select count(*) from mart.fact_play as p where p.album_id = n.album_id and p.is_listen) as plays
      from named as n order by n.is_inside, 4 desc, n.name, n.album_id limit ${most}`,
  track: async (sql, text, most) =>
    await sql<Row[]>`
      with named as (
        select t.track_id, t.name, t.artist_id, strpos(lower(t.name), ${text}) <> 1 as is_inside from mart.dim_track as t
        where t.track_id = t.song_id and strpos(lower(t.name), ${text}) > 0 order by 4, length(t.name), t.track_id limit ${WEIGHED}
      )
      select n.track_id::text as id, n.name, a.name as artist, (
        select count(*) from mart.dim_track as d join mart.fact_play as p on p.track_id = d.track_id
        where d.song_id = n.track_id and p.is_listen) as plays
      from named as n left join mart.dim_artist as a on a.artist_id = n.artist_id
      order by n.is_inside, 4 desc, n.name, n.track_id limit ${most}`,
};
