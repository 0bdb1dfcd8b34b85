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

const TABLES = 4;

/** Tables for {@link runWorkload}. */
export async function prepareWorkload(sql: postgres.Sql): Promise<void> {
  for (let table = 0; table < TABLES; table += 1) {
    await sql.unsafe(`create table t${table} (id bigserial primary key, n int, filler text, big text)`);
    await sql.unsafe(`insert into t${table} (n, filler) select g, repeat(md5(g::text), 8) from generate_series(1, 3000) g`);
  }
  await sql.unsafe('create unlogged table fleeting as select g from generate_series(1, 500) g');
}

/** Some of everything that changes files in its own way; the same for the same numbers. */
export async function runWorkload(sql: postgres.Sql, random: () => number, steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    const table = `t${Math.floor(random() * TABLES)}`;
    const n = Math.floor(random() * 3000);
    const kinds: readonly (() => Promise<unknown>)[] = [
      async () => await sql.unsafe(`update ${table} set n = n + 1 where id between ${n} and ${n + 200}`),
      async () => await sql.unsafe(`delete from ${table} where id between ${n} and ${n + 50}`),
      async () =>
        await sql.unsafe(
          `insert into ${table} (n, filler, big) select g, md5(g::text), repeat(md5(g::text), 300) from generate_series(1, 40) g`,
        ),
      async () => await sql.unsafe(`vacuum ${table}`),
      async () => await sql.unsafe(`vacuum full ${table}`),
      async () => {
        await sql.unsafe(`truncate ${table}`);
        await sql.unsafe(`insert into ${table} (n, filler) select g, repeat('x', 300) from generate_series(1, ${500 + n}) g`);
      },
      async () => {
        await sql.unsafe(`delete from ${table} where id > (select coalesce(max(id), 0) / 2 from ${table})`);
        await sql.unsafe(`vacuum ${table}`);
      },
      async () => await sql.unsafe(`drop index if exists i${table}; create index i${table} on ${table} (n, filler)`),
      async () =>
        await sql.unsafe(
          `drop table if exists made_${n % 5}; create table made_${n % 5} as select g, md5(g::text) as t from generate_series(1, ${n + 1}) g`,
        ),
      async () => await sql.unsafe(`cluster ${table} using ${table}_pkey`),
      async () => await sql.unsafe(`select lo_from_bytea(0, decode(repeat('ab', ${n + 1}), 'hex'))`),
      async () => await sql.unsafe(`insert into fleeting values (${n})`),
    ];
    await kinds[Math.floor(random() * kinds.length)]?.();
  }
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
