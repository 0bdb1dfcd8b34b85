import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { arrayRows, rowsOf, songRows, type CopyRows } from '../../../src/spotify/load/copy-rows.ts';
import { SONG_COLUMNS } from '../../../src/spotify/load/songs.ts';

const historyRows = (batchId: string): CopyRows => arrayRows('raw.streaming_history', batchId);
const HEADER = SONG_COLUMNS.join(',');
const copied = (rows: CopyRows, content: string | Uint8Array): string =>
  Buffer.concat([...rows.push(Buffer.from(content)), ...rows.end()]).toString('utf8');

test('a song row is copied as it stands, behind its number, line and hash', () => {
  const record = `"a, ""b""",é${',1'.repeat(SONG_COLUMNS.length - 2)}`;
  const rows = songRows('7');
  expect(copied(rows, `${HEADER}\r\n\r\n${record}\r\n`)).toBe(`7,1,3,\\x${hash('sha256', record)},${record}\n`);
  expect(rows.rows).toBe(1);
});

/** The columns that the server reads from a line of COPY's text format. */
const columnsOf = (line: string): readonly string[] =>
  line
    .trimEnd()
    .split('\t')
    .map((column) => column.replaceAll('\\\\', '\\'));

test('a play is copied as it stands on one line, its hash that of its bytes in the file', () => {
  const record = '{"endTime": "2025-01-01 10:00",\n\t"trackName": "Say \\"é, 🎧\\"" }';
  const row = columnsOf(copied(historyRows('8'), `[\n${record}\n]`));
  expect(row).toEqual(['8', '1', '2', `\\x${hash('sha256', record)}`, record.replace(/[\n\t]/g, ' ')]);
});

test('a row longer than a buffer is whole', () => {
  const long = 'é"\\'.repeat(200_000);
  const row = columnsOf(copied(historyRows('1'), JSON.stringify([{ trackName: long }])));
  expect(JSON.parse(row[4] ?? '')).toEqual({ trackName: long });
});

test('a row of a chart is copied as an object, its values under the names of the header', () => {
  const form = { kind: 'csv', delimiter: ';' } as const;
  const rows = rowsOf({ kind: 'chart', form, layout: 'ranking', encoding: 'utf-8' }, '9', new Date(0));
  const row = columnsOf(copied(rows, 'Rank;Track Name;Duration (ms)\n1;"a; ""b""\nc";12\n'));
  expect(row.slice(0, 3)).toEqual(['9', '1', '2']);
  expect(row[4]).toBe('ranking');
  expect(JSON.parse(row[5] ?? '')).toEqual({ rank: '1', track_name: 'a; "b"\nc', duration_ms: '12' });
});

test('each entry of a document is a row with the line it begins on', () => {
  const rows = rowsOf({ kind: 'playlist', form: { kind: 'document' }, layout: 'account_export', encoding: 'utf-8' }, '1', new Date(0));
  const text = '{"playlists": [\n{"name": "P",\n"collaborators": [1],\n"items": [\n{"track": {"x": [2]}},\n\n{"track": null}]}]}';
  const lines = copied(rows, text).trimEnd().split('\n').map(columnsOf);
  expect(lines.map((row) => [row[2], JSON.parse(row[5] ?? '')])).toEqual([
    ['5', { playlist: { name: 'P', collaborators: [1] }, item: { track: { x: [2] } } }],
    ['7', { playlist: { name: 'P', collaborators: [1] }, item: { track: null } }],
  ]);
});

test('bytes that are no text are refused with their line', () => {
  const wide = ',1'.repeat(SONG_COLUMNS.length - 1);
  const latin1 = Buffer.from(`${HEADER}\n1${wide}\né${wide}\n`, 'latin1');
  expect(() => copied(songRows('1'), latin1)).toThrow(
    expect.objectContaining({ code: 'load-failed', message: 'line 3 is not UTF-8 text' }),
  );
  expect(() => copied(songRows('1'), `${HEADER}\n\0${wide}\n`)).toThrow('line 2 is not UTF-8 text');
  expect(() => copied(historyRows('1'), Buffer.from('[{"a": "é"}]', 'latin1'))).toThrow('line 1 is not UTF-8 text');
});

test('an empty songs file has no header', () => {
  const rows = songRows('1');
  expect(copied(rows, '\n')).toBe('');
  expect(() => rows.statement()).toThrow('the songs file has no header');
});
