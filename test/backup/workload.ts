import type postgres from 'postgres';

/** A generator of the same numbers for the same seed (mulberry32), each in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One line for each table with rows and a sum over all of them, so that two clusters can be compared. */
export async function fingerprint(sql: postgres.Sql): Promise<readonly string[]> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname not in ('pg_catalog', 'information_schema') order by 1`;
  const lines: string[] = [];
  for (const { name } of tables) {
    const [row] = await sql.unsafe<{ count: string; sum: string }[]>(
      `select count(*)::text as count, coalesce(sum(hashtextextended(t::text, 0)), 0)::text as sum from ${name} t`,
    );
    lines.push(`${name} ${row?.count} ${row?.sum}`);
  }
  const [objects] = await sql<{ sum: string }[]>`select coalesce(sum(hashtextextended(l::text, 0)), 0)::text as sum from pg_largeobject l`;
  return [...lines, `large objects ${objects?.sum}`];
}

/** Checks every btree index against its table. */
export async function checkIndexes(sql: postgres.Sql): Promise<number> {
  await sql.unsafe('create extension if not exists amcheck');
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from (select bt_index_check(c.oid, true) from pg_class c join pg_am a on a.oid = c.relam
    where a.amname = 'btree' and c.relpersistence = 'p' and c.relkind = 'i') x`;
  return row?.count ?? 0;
}
