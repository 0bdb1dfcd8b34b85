import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, dbadmin, load, migrateWarehouse } from './warehouse.ts';

/** Found in nothing else: a row that says it anywhere is about this listener. */
const ADA = 'ada-of-1815';

const plays = (name: string): string =>
  JSON.stringify(
    Array.from({ length: 20 }, (_, n) => ({
      endTime: `2025-01-${String((n % 9) + 1).padStart(2, '0')} 10:${String(n).padStart(2, '0')}`,
      artistName: `Artist ${n % 3}`,
      trackName: n === 19 ? '' : `Track ${n % 7} of ${n % 2 === 0 ? `the ${name.length}` : 'both'}`,
      msPlayed: 60_000,
    })),
  );

/** One row in each table that may hold one, of a listener whom no load would give it. */
const ROWS = `
  insert into core.device (listener_id, name) select listener_id, 'Kitchen' from core.listener where name = '${ADA}';
  insert into core.follow (listener_id, artist_id) select listener_id, (select min(artist_id) from core.artist) from core.listener where name = '${ADA}';
  insert into core.saved_track (listener_id, track_id) select listener_id, (select min(track_id) from core.track) from core.listener where name = '${ADA}';
  insert into core.playlist (name, owner_id) select 'Mine', listener_id from core.listener where name = '${ADA}';
  insert into core.playlist_track (playlist_id, track_id, batch_id, row_no)
    select p.playlist_id, (select min(track_id) from core.track), b.batch_id, 77 from core.playlist as p, raw.batch as b
    where p.name = 'Mine' and b.listener_name = '${ADA}' limit 1;
  insert into raw.page (batch_id, row_no, hash, endpoint, url, status, fetched_at, object_key, body)
    select batch_id, 1, '', 'me', '', 200, now(), 'spotify/elsewhere/processed/x#1', '{}' from raw.batch where listener_name = '${ADA}' limit 1;
  with list as (insert into core.top_list (listener_id, kind, time_range, taken_at)
    select listener_id, 'tracks', 'short_term', now() from core.listener where name = '${ADA}' returning top_list_id)
  insert into core.top_list_track (top_list_id, rank, track_id) select top_list_id, 1, (select min(track_id) from core.track) from list;
  insert into raw.page_set (batch_id, listener_name, kind, unit, field_set, started_at, items, content_sha256)
    select batch_id, '${ADA}', 'profile', 'profile', 'after', now(), 1, sha256('x') from raw.batch where listener_name = '${ADA}' limit 1;
  insert into core.listener_login (login, listener_id) select 'login of ${ADA}', listener_id from core.listener where name = '${ADA}';
  update core.playlist_track set position = 3 where row_no = 77;
  update core.top_list_track set rank = 2;
  insert into core.playlist (name, owner_id) select 'Gone', listener_id from core.listener where name = '${ADA}';
  insert into core.playlist_track (playlist_id, track_id, batch_id, row_no)
    select p.playlist_id, (select min(track_id) from core.track), b.batch_id, 78
    from core.playlist as p, (select min(batch_id) as batch_id from raw.batch where listener_name = '${ADA}') as b where p.name = 'Gone';
  delete from core.playlist_track where row_no = 78;
  delete from core.playlist where name = 'Gone';
  update core.playlist set owner_id = (select listener_id from core.listener where name = 'bob') where name = 'Mine';
  update core.playlist set owner_id = (select listener_id from core.listener where name = '${ADA}') where name = 'Mine';
  update core.listener set country = 'DE', account_id = 'account of ${ADA}' where name = '${ADA}'`;

/** Numbers that stand for a person wherever they are written, by the name of their column. */
type Keys = Readonly<Record<string, readonly string[]>>;

async function keysOf({ sql }: TestDatabase, listener: string): Promise<Keys> {
  const [row] = await sql<Record<string, string[] | null>[]>`
    with who as (select listener_id from core.listener where name = ${listener})
    select (select array_agg(listener_id::text) from who) as listener_id, (select array_agg(listener_id::text) from who) as owner_id,
      (select array_agg(batch_id::text) from raw.batch where listener_name = ${listener}) as batch_id,
      (select array_agg(play_id::text) from core.play join who using (listener_id)) as play_id,
      (select array_agg(playlist_id::text) from core.playlist join who on owner_id = listener_id) as playlist_id,
      (select array_agg(device_id::text) from core.device join who using (listener_id)) as device_id,
      (select array_agg(top_list_id::text) from core.top_list join who using (listener_id)) as top_list_id`;
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, keys]) => [name, keys ?? []]));
}

/**
 * Rows of any table of any schema that say the name anywhere, or one of the numbers in a column, or in a document's key, of that
 * name. Every table there is, whoever made it: what is not looked at is not proven.
 */
async function traces({ sql }: TestDatabase, listener: string, keys: Keys): Promise<readonly string[]> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg_temp%'`;
  const found: string[] = [];
  for (const { name } of tables) {
    const documents = [
      'to_jsonb(t)',
      `to_jsonb(t) -> 'old_row'`,
      `to_jsonb(t) -> 'new_row'`,
      `to_jsonb(t) -> 'raw_row'`,
      `to_jsonb(t) -> 'body'`,
    ];
    const numbers = documents.flatMap((document) =>
      Object.entries(keys).map(
        ([key, values]) => `${document} ->> '${key}' in (${values.map((value) => `'${value}'`).join(', ') || 'null'})`,
      ),
    );
    const rows = await countOf(
      sql,
      `select count(*) from ${name} as t where strpos(t::text, '${listener}') > 0 or ${numbers.join(' or ')}`,
    );
    if (rows > 0) found.push(`${name}: ${rows}`);
  }
  return found.sort();
}

describe('forgetting a listener', () => {
  let database: TestDatabase;
  let directory: string;
  let keys: Keys;
  const forget = async (...args: readonly string[]): Promise<Awaited<ReturnType<typeof dbadmin>>> =>
    await dbadmin(['spotify', 'forget', ADA, '--landing', 'landing', '--url', database.url, ...args], directory);

  beforeAll(async () => {
    database = await createTestDatabase();
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-forget-'));
    await migrateWarehouse(database.url);
    for (const name of [ADA, 'bob']) {
      await mkdir(path.join(directory, name));
      await writeFile(path.join(directory, name, 'StreamingHistory0.json'), plays(name));
      await load(database.sql, path.join(directory, name), name);
    }
    await database.sql.unsafe(ROWS);
    await database.sql.unsafe('call mart.refresh()');
    keys = await keysOf(database, ADA);
  });
  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  it('without --erase it shows what there is and changes nothing', async () => {
    const { status, stdout, stderr } = await forget();
    expect(stderr).toBe('');
    expect(status).toBe(0);
    for (const table of ['core.play', 'core.device', 'core.top_list_track', 'raw.streaming_history', 'raw.page_set', 'quality.quarantine'])
      expect(stdout).toContain(table);
    expect(stdout).toContain('Nothing was changed.');
    expect((await traces(database, ADA, keys)).length).toBeGreaterThan(18);
  });

  it('without --yes and a terminal it refuses', async () => {
    expect((await forget('--erase')).status).toBe(1);
    expect(await countOf(database.sql, `select count(*) from core.listener where name = '${ADA}'`)).toBe(1);
  });

  it('pages that landed where it does not look are not left behind: it refuses', async () => {
    const { status, stderr } = await forget('--erase', '--yes');
    expect([status, stderr]).toEqual([1, expect.stringContaining('spotify/elsewhere/processed/x')]);
    expect(await countOf(database.sql, `select count(*) from core.listener where name = '${ADA}'`)).toBe(1);
  });

  it('C4: with --erase 0 rows remain in any schema, and others keep theirs', async () => {
    const others = `select count(*) from core.play as p join core.listener as l using (listener_id) where l.name = 'bob'`;
    const [before, facts] = [await countOf(database.sql, others), await countOf(database.sql, 'select count(*) from mart.fact_play')];
    const { status, stdout, stderr } = await forget('--erase', '--yes', '--landing-gone');
    expect(stderr).toBe('');
    expect(stdout).toContain('0 rows remain');
    expect(status).toBe(0);
    expect(await traces(database, ADA, keys)).toEqual([]);
    expect(await countOf(database.sql, others)).toBe(before);
    expect(await countOf(database.sql, 'select count(*) from mart.fact_play')).toBe(facts - before);
    expect(await countOf(database.sql, 'select sum(plays) from mart.daily_summary')).toBe(before);
    expect(await countOf(database.sql, 'select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
  });

  it('forgotten twice is forgotten', async () => {
    const { status, stdout } = await forget('--erase', '--yes');
    expect([status, stdout.includes(`nothing about ${ADA}`)]).toEqual([0, true]);
  });

  it('a listener who is forgotten can come again', async () => {
    const [result] = await load(database.sql, path.join(directory, ADA), ADA);
    expect(result?.rowsReceived).toBe(20);
  });

  it('by number, as a restore to before the erasure does it again', async () => {
    await load(database.sql, path.join(directory, ADA), ADA);
    const number = await countOf(database.sql, `select listener_id from core.listener where name = '${ADA}'`);
    const again = await keysOf(database, ADA);
    await database.sql`call core.forget(${number})`;
    expect(await traces(database, ADA, again)).toEqual([]);
    await database.sql`call core.forget(${number})`;
    await load(database.sql, path.join(directory, ADA), ADA);
  });

  it('a table made later, known by its foreign key alone, is not forgotten', async () => {
    await database.sql.unsafe(`
      create table core.mood (device_id bigint not null references core.device, mood text);
      insert into core.device (listener_id, name) select listener_id, 'Phone' from core.listener where name = '${ADA}';
      insert into core.mood select device_id, 'glad' from core.device`);
    expect(await countOf(database.sql, `select rows_erased from core.erase_listener('${ADA}') where table_name = 'core.mood'`)).toBe(1);
    await database.sql.unsafe('drop table core.mood');
  });
});
