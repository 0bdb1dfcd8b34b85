import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { countOf, dbadmin, load as loadFiles, migrateWarehouse, tableCounts, type CommandResult } from './warehouse.ts';

const OPTIONS = { listeners: 2, plays: 400, seed: 7 };

/** All files below `directory`, by name. */
async function contentOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(directory, { recursive: true })).filter((name) => /\.(csv|json)$/.test(name)).sort();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(path.join(directory, name), 'utf8')])));
}

describe('dbadmin spotify load', () => {
  let database: TestDatabase;
  let directory: string;
  let songs: readonly string[];
  const generated = (): string => path.join(directory, 'generated');
  const load = async (args: readonly string[], stdin?: string | Uint8Array): Promise<CommandResult> =>
    await dbadmin(['spotify', 'load', ...args, '--url', database.url], directory, stdin);
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), content);
    return name;
  };

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-spotify-'));
    await writeGenerated(generated(), OPTIONS);
    songs = (await readFile(path.join(generated(), 'songs.csv'), 'utf8')).trimEnd().split('\n');
    database = await createTestDatabase();
    await migrateWarehouse(database.url);
  });

  afterAll(async () => {
    await database?.drop();
    await rm(directory, { recursive: true, force: true });
  });

  it('the same seed generates the same bytes, another seed others', async () => {
    await writeGenerated(path.join(directory, 'again'), OPTIONS);
    await writeGenerated(path.join(directory, 'other'), { ...OPTIONS, seed: 8 });
    const bytes = await contentOf(generated());
    expect(Object.keys(bytes)).toEqual(['listener-001/StreamingHistory0.json', 'listener-002/StreamingHistory0.json', 'songs.csv']);
    expect(await contentOf(path.join(directory, 'again'))).toEqual(bytes);
    const other = await contentOf(path.join(directory, 'other'));
    expect(Object.keys(bytes).filter((name) => other[name] === bytes[name])).toEqual([]);
  });

  it('C1: a directory is loaded whole: rows in = rows out + rejected', async () => {
    const { status, stdout, stderr } = await load(['generated', '--json']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { files } = JSON.parse(stdout) as { files: { name: string; listener: string | null; rowsReceived: number }[] };
    expect(files.map(({ listener, rowsReceived }) => [listener, rowsReceived])).toEqual([
      ['listener-001', 200],
      ['listener-002', 200],
      [null, songs.length - 1],
    ]);
    expect(await countOf(database.sql, 'select count(*) from raw.song')).toBe(songs.length - 1);
    expect(await countOf(database.sql, 'select count(*) from raw.streaming_history')).toBe(400);
    expect(await countOf(database.sql, 'select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
    expect(await countOf(database.sql, 'select count(*) from core.listener')).toBe(2);
  });

  it('again adds nothing', async () => {
    const before = await tableCounts(database.sql);
    const { status, stdout } = await load(['generated']);
    expect(status).toBe(0);
    expect(stdout.match(/already received/g)).toHaveLength(3);
    expect(await tableCounts(database.sql)).toEqual(before);
  });

  it('B1 and C3: an overlapping export gives no play twice: known ones are refused by B1', async () => {
    const plays = JSON.parse(await readFile(path.join(generated(), 'listener-001/StreamingHistory0.json'), 'utf8')) as object[];
    const fresh = { endTime: '2026-02-03 04:05', artistName: 'Nobody Yet', trackName: 'New', msPlayed: 31_000 };
    await write('overlap.json', JSON.stringify([...plays.slice(150), fresh]));
    const before = await countOf(database.sql, 'select count(*) from core.play');
    expect((await load(['overlap.json', '--listener', 'listener-001'])).status).toBe(0);
    expect(await countOf(database.sql, 'select count(*) from core.play')).toBe(before + 1);
    const refused = `select count(*) from quality.quarantine where rule_id = 'B1'
      and batch_id = (select max(batch_id) from raw.batch) and reason like 'the play is known already: batch % row %'`;
    expect(await countOf(database.sql, refused)).toBe(50);
  });

  it.for([
    [
      'a row with a field too few',
      'broken.csv',
      (rows: string[]) => rows.splice(40, 1, 'a,b,c'),
      /line 41 .*has 3 fields, the header has 23/,
    ],
    ['a quote that never ends', 'quote.csv', (rows: string[]) => rows.splice(40, rows.length, '"a,b', 'c'), /line 41 .*never ends/],
    ['a NUL', 'nul.csv', (rows: string[]) => rows.splice(40, 1, `${rows[40] ?? ''}\0`), /line 41 is not UTF-8 text/],
  ] as const)('%s refuses its songs file with the line, and nothing of the file stays', async ([, name, spoil, message]) => {
    const rows = [...songs];
    spoil(rows);
    await write(name, `${rows.join('\n')}\n`);
    await expectRefused([name], name, message);
  });

  it('F9: a row broken after megabytes of good ones refuses the file as well', async () => {
    const rows = Array.from({ length: 40 }, () => songs.slice(1)).flat();
    await write('long.csv', `${[songs[0], ...rows, 'a,b,c'].join('\n')}\n`);
    await expectRefused(['long.csv'], 'long.csv', new RegExp(`line ${rows.length + 2} .*has 3 fields`));
  });

  it('what only the server can refuse refuses the file as well, early and late in it', async () => {
    const bad = (songs[40] ?? '').replace(/,/, '\r,');
    await write('return.csv', `${[...songs.slice(0, 40), bad].join('\n')}\n`);
    await expectRefused(['return.csv'], 'return.csv', /carriage return/);
    const rows = Array.from({ length: 60 }, () => songs.slice(1)).flat();
    await write('early.csv', `${[songs[0], bad, ...rows].join('\n')}\n`);
    await expectRefused(['early.csv'], 'early.csv', /refused by the server/);
    await write('surrogate.json', '[{"endTime": "2025-01-01 10:00", "artistName": "A", "trackName": "\\ud800", "msPlayed": 1}]');
    await expectRefused(
      ['surrogate.json', '--listener', 'ada'],
      'surrogate.json',
      /surrogate.json: line 1 is not JSON that PostgreSQL takes/,
    );
  });

  it('a row that is not JSON refuses its history with the line, and nothing of the file stays', async () => {
    const play = (n: number): string =>
      `{"endTime": "2025-01-01 10:0${n}", "artistName": "A", "trackName": "T", "msPlayed": ${n === 3 ? '1x' : n}}`;
    await write('StreamingHistory9.json', `[\n${[1, 2, 3, 4].map(play).join(',\n')}\n]\n`);
    await expectRefused(['StreamingHistory9.json', '--listener', 'ada'], 'StreamingHistory9.json', /line 4 is not JSON/);
    await write('short.json', `[\n${[1, 2].map(play).join(',\n')}`);
    await expectRefused(['short.json', '--listener', 'ada'], 'short.json', /line 3 .*ends where comma or end should be/);
  });

  async function expectRefused(args: readonly string[], file: string, message: RegExp): Promise<void> {
    const before = await tableCounts(database.sql);
    const { status, stdout } = await load([...args, '--json']);
    expect(status).toBe(1);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string; detail: string } };
    expect(error.code).toBe('load-failed');
    expect(error.message.startsWith(file), error.message).toBe(true);
    expect(error.message).toMatch(message);
    expect(error.detail).toContain('Nothing of the file was kept.');
    expect(await tableCounts(database.sql)).toEqual(before);
  }

  it('a byte order mark, CRLF, quoted names and another order of columns change nothing but the bytes', async () => {
    const records = parse(songs.slice(0, 60).join('\n'));
    const turned = records.map((fields) =>
      fields
        .toReversed()
        .map((field) => `"${field.replaceAll('"', '""')}"`)
        .join(','),
    );
    await write('turned.csv', `\uFEFF${turned.join('\r\n')}\r\n`);
    const facts = async (): Promise<unknown> =>
      await database.sql`select spotify_id, name, duration_ms, popularity from core.track order by 1`;
    const before = await facts();
    const { status, stderr } = await load(['turned.csv']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(await facts()).toEqual(before);
    const batch = '(select max(batch_id) from raw.batch)';
    expect(await countOf(database.sql, `select count(*) from raw.song where batch_id = ${batch}`)).toBe(59);
    const known = `select count(*) from quality.quarantine where batch_id = ${batch} and rule_id = 'B2'`;
    expect(await countOf(database.sql, known)).toBe(59);
  });

  it('a history with a byte order mark and CRLF is read', async () => {
    const play = { endTime: '2025-06-01 10:00', artistName: 'Ä', trackName: 'Ö "quoted"', msPlayed: 1000 };
    await write('bea/history.json', `\uFEFF[\r\n  ${JSON.stringify(play)}\r\n]\r\n`);
    expect((await load(['bea/history.json'])).status).toBe(0);
    const found = await database.sql`select t.name, to_char(p.ended_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as ended
      from core.play as p join core.listener as l using (listener_id) join core.track as t using (track_id) where l.name = 'bea'`;
    expect([...found]).toEqual([{ name: 'Ö "quoted"', ended: '2025-06-01 10:00' }]);
  });

  it('an unknown file is refused when named, and left out with a note in a directory', async () => {
    await write('mixed/notes.csv', 'a,b\n1,2\n');
    await write('mixed/podcasts.json', '[{"endTime": "2025-01-01 10:00", "podcastName": "P", "msPlayed": 1}]');
    await write('mixed/songs.csv', `${songs.slice(0, 3).join('\n')}\n`);
    const named = await load(['mixed/notes.csv']);
    expect(named.status).toBe(1);
    expect(named.stderr).toContain('mixed/notes.csv has no header and no beginning that dbadmin knows');
    const whole = await load(['mixed', '--json']);
    expect(whole.status).toBe(0);
    const { skipped } = JSON.parse(whole.stdout) as { skipped: { name: string }[] };
    expect(skipped.map(({ name }) => name)).toEqual(['mixed/notes.csv', 'mixed/podcasts.json']);
  });

  it('standard input is loaded once: the same again adds nothing, and a history needs a listener', async () => {
    const text = `${songs.slice(0, 30).join('\n')}\n`;
    const before = await countOf(database.sql, 'select count(*) from raw.song');
    expect((await load(['-'], text)).status).toBe(0);
    expect(await countOf(database.sql, 'select count(*) from raw.song')).toBe(before + 29);
    const again = await load(['-'], text);
    expect(again.stderr).toBe('');
    expect(again.stdout).toContain('already received');
    expect(await countOf(database.sql, 'select count(*) from raw.song')).toBe(before + 29);
    const history = await load(['-'], '[{"endTime": "2025-01-01 10:00", "artistName": "A", "trackName": "T", "msPlayed": 1}]');
    expect(history.status).toBe(64);
    expect(history.stderr).toContain('Give --listener NAME.');
  });

  it('two loads of the same file at once: one receives it, the other finds it there', async () => {
    const file = path.join(directory, await write('twice.csv', `${[songs[0], ...songs.slice(100, 160)].join('\n')}\n`));
    const before = await countOf(database.sql, 'select count(*) from raw.song');
    const both = await Promise.all([loadFiles(database.sql, file), loadFiles(database.sql, file)]);
    expect(both.flatMap((results) => results.map(({ status }) => status)).sort()).toEqual(['already received', 'received']);
    expect(await countOf(database.sql, 'select count(*) from raw.song')).toBe(before + 60);
    expect(await countOf(database.sql, 'select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
  });

  it('C1: a step that fails leaves its batch landed and its run row, and the next load does the step again', async () => {
    await database.sql.unsafe(`create function core.fail() returns trigger language plpgsql as $$ begin raise 'not today'; end $$;
      create trigger fail before insert on core.play for each statement execute function core.fail()`);
    await write('cid/history.json', '[{"endTime": "2025-01-01 10:00", "artistName": "A", "trackName": "T", "msPlayed": 1}]');
    const failed = await load(['cid/history.json']);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain('cleansing cid/history.json failed: not today');
    await database.sql.unsafe('drop function core.fail() cascade');
    const plays = `select count(*) from core.play join core.listener as l using (listener_id) where l.name = 'cid'`;
    expect(await countOf(database.sql, plays)).toBe(0);
    expect(await countOf(database.sql, `select count(*) from quality.run where error = 'not today'`)).toBe(1);
    expect((await load(['cid/history.json'])).status).toBe(0);
    expect(await countOf(database.sql, plays)).toBe(1);
  });

  it('a database without the warehouse: the message says what to run', async () => {
    const empty = await createTestDatabase();
    try {
      const { status, stderr } = await dbadmin(['spotify', 'load', 'generated', '--url', empty.url], directory);
      expect(status).toBe(1);
      expect(stderr).toContain('dbadmin migrate');
      const piped = await dbadmin(['spotify', 'load', '-', '--url', empty.url], directory, `${songs.join('\n')}\n`);
      expect(piped.status).toBe(1);
      expect(piped.stderr).toContain('dbadmin migrate');
    } finally {
      await empty.drop();
    }
  });
});
