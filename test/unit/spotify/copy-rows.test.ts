import { hash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { historyRows, songRows, type CopyRows } from '../../../src/spotify/load/copy-rows.ts';
import { SONG_COLUMNS } from '../../../src/spotify/load/songs.ts';

const HEADER = SONG_COLUMNS.join(',');
const copied = (rows: CopyRows, content: string | Uint8Array): string =>
  Buffer.concat([...rows.push(Buffer.from(content)), ...rows.end()]).toString('utf8');

test('a song row is copied as it stands, behind its number, line and hash', () => {
  const record = `"a, ""b""",é${',1'.repeat(SONG_COLUMNS.length - 2)}`;
  const rows = songRows('7');
  expect(copied(rows, `${HEADER}\r\n\r\n${record}\r\n`)).toBe(`7,1,3,\\x${hash('sha256', record)},${record}\n`);
  expect(rows.rows).toBe(1);
});

test('a play is copied as JSON on one line, its hash that of its bytes in the file', () => {
  const record = '{"endTime": "2025-01-01 10:00",\n "trackName": "Say \\"é, 🎧\\"" }';
  const [row = []] = parse(copied(historyRows('8'), `[\n${record}\n]`));
  expect(row).toEqual(['8', '1', '2', `\\x${hash('sha256', record)}`, JSON.stringify(JSON.parse(record))]);
});

test('a row longer than a buffer is whole', () => {
  const long = 'é"\\'.repeat(200_000);
  const [row = []] = parse(copied(historyRows('1'), JSON.stringify([{ trackName: long }])));
  expect(JSON.parse(row[4] ?? '')).toEqual({ trackName: long });
});

test('bytes that are no text are refused with their line', () => {
  const wide = ',1'.repeat(SONG_COLUMNS.length - 1);
  const latin1 = Buffer.from(`${HEADER}\n1${wide}\né${wide}\n`, 'latin1');
  expect(() => copied(songRows('1'), latin1)).toThrow(
    expect.objectContaining({ code: 'load-failed', message: 'line 3 is not UTF-8 text' }),
  );
  expect(() => copied(songRows('1'), `${HEADER}\n\0${wide}\n`)).toThrow('line 2 is not UTF-8 text');
  expect(() => copied(historyRows('1'), Buffer.from('[{"a": "é"}]', 'latin1'))).toThrow('line 1 is not UTF-8 text');
  expect(() => copied(historyRows('1'), '[\n{"a": "\\u0000"}]')).toThrow('the play at line 2 holds a NUL character');
  expect(() => copied(historyRows('1'), '[\n\n{"a": 1x}]')).toThrow(/^the play at line 3 is not JSON/);
});

test('an empty songs file has no header', () => {
  const rows = songRows('1');
  expect(copied(rows, '\n')).toBe('');
  expect(() => rows.statement()).toThrow('the songs file has no header');
});
