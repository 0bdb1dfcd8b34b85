import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { dbadmin, migrateWarehouse, PROJECT } from './warehouse.ts';

describe('dbadmin spotify view', () => {
  let database: TestDatabase;
  const view = async (...args: readonly string[]): ReturnType<typeof dbadmin> =>
    await dbadmin(['spotify', 'view', ...args, '--url', database.url], PROJECT);

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
    await database.sql.unsafe(`insert into core.artist (name) values ('Ada, "the first"'), ('Bea'), ('Cid')`);
    await database.sql.unsafe(`insert into core.album (spotify_id, name) values ('a', null), ('b', 'Two' || chr(10) || 'lines')`);
  });
  afterAll(async () => await database?.drop());

  it('without a table lists what there is, with what it holds', async () => {
    const { status, stdout } = await view('--json');
    expect(status).toBe(0);
    const { relations } = JSON.parse(stdout) as { relations: { name: string; kind: string; comment: string }[] };
    expect(relations[0]).toMatchObject({ name: 'raw.batch', kind: 'table' });
    expect(relations).toContainEqual(expect.objectContaining({ name: 'quality.accounting', kind: 'view' }));
    expect(relations.filter(({ comment }) => comment === '')).toEqual([]);
  });

  it('shows the rows that meet a condition, in the order asked for, and says when there are more', async () => {
    const { stdout, stderr } = await view('core.artist', '--where', `name <> 'Bea'`, '--order', 'name desc', '--limit', '1', '--json');
    const { columns, rows } = JSON.parse(stdout) as { columns: string[]; rows: string[][] };
    expect(columns.slice(0, 2)).toEqual(['artist_id', 'name']);
    expect(rows.map((row) => row[1])).toEqual(['Cid']);
    expect(stderr).toContain('the first 1 rows');
  });

  it('as CSV gives all rows as they are: NULL apart from the empty text', async () => {
    const { stdout } = await view('core.album', '--csv');
    const [header = [], ...rows] = parse(stdout);
    const at = header.indexOf('name');
    expect(rows.map((row) => row[at])).toEqual(['', 'Two\nlines']);
    const artists = parse((await view('core.artist', '--csv', '--order', 'artist_id')).stdout);
    expect(artists.map((row) => row[1])).toEqual(['name', 'Ada, "the first"', 'Bea', 'Cid']);
  });

  it.for([
    [['core.nothing'], 64, 'the warehouse has no table or view core.nothing'],
    [['pg_authid'], 64, 'the warehouse has no table or view pg_authid'],
    [['core.artist', '--where', 'true); delete from core.artist; --'], 64, 'the server does not understand the condition'],
    [['core.artist', '--where', `nextval('core.artist_artist_id_seq') > 0`], 64, 'the condition would change something'],
    [['core.artist', '--where', 'nobody = 1'], 64, 'column "nobody" does not exist'],
    [['--csv'], 64, '--csv needs a table'],
    [['core.artist', '--limit', 'x'], 64, '--limit takes a whole number'],
  ] as const)('%s is refused with status %s', async ([args, wanted, message]) => {
    const { status, stderr } = await view(...args);
    expect(stderr).toContain(message);
    expect(status).toBe(wanted);
    expect([...(await database.sql`select count(*)::int as n from core.artist`)]).toEqual([{ n: 3 }]);
  });
});
