import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { arrayRows, historyRows as slicesOf, rowsOf, songRows, type CopyRows } from '../../../src/spotify/load/copy-rows.ts';
import { SONG_COLUMNS } from '../../../src/spotify/load/songs.ts';

const historyRows = (batchId: string): CopyRows => slicesOf('raw.streaming_history_slice', batchId);
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

/** The rows of COPY's binary format, each column as its bytes. */
function binaryRows(bytes: Buffer): readonly (readonly Buffer[])[] {
  expect(bytes.subarray(0, 19).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0');
  const rows: Buffer[][] = [];
  let at = 19;
  for (let columns = bytes.readInt16BE(at); columns !== -1; columns = bytes.readInt16BE(at)) {
    at += 2;
    const row = Array.from({ length: columns }, () => {
      const column = bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at));
      at += 4 + column.length;
      return column;
    });
    rows.push(row);
  }
  expect(at + 2).toBe(bytes.length);
  return rows;
}
const copiedBinary = (rows: CopyRows, content: string): readonly (readonly Buffer[])[] =>
  binaryRows(Buffer.concat([...rows.push(Buffer.from(content)), ...rows.end()]));

/** The numbers of an array of integers in PostgreSQL's binary form. */
const integers = (bytes: Buffer = Buffer.alloc(0)): readonly number[] => {
  expect([0, 4, 8, 16].map((at) => bytes.readInt32BE(at))).toEqual([1, 0, 23, 1]);
  return Array.from({ length: bytes.readInt32BE(12) }, (_, n) => bytes.readInt32BE(20 + n * 8 + 4));
};

test('plays are copied byte for byte, and what parts them, behind their numbers and the hash of these bytes', () => {
  const plays = '{"endTime": "2025-01-01 10:00",\n\t"trackName": "Say \\"é, 🎧\\"" }\r\n ,{"msPlayed":1}';
  const rows = historyRows('9007199254740993');
  const [[batch, first, lines, digest, body] = [], ...others] = copiedBinary(rows, `[\n${plays}\n]`);
  expect([batch?.readBigInt64BE(), first?.readInt32BE(), integers(lines)]).toEqual([9_007_199_254_740_993n, 1, [2, 4]]);
  expect([digest?.toString('hex'), body?.toString()]).toEqual([hash('sha256', `[${plays}]`), `[${plays}]`]);
  expect(others).toEqual([]);
  expect(rows.rows).toBe(2);
  expect(rows.statement()).toBe(
    'copy raw.streaming_history_slice (batch_id, first_row_no, line_nos, hash, body) from stdin (format binary)',
  );
});

test('wherever the chunks of a file end, its plays are whole, in order, and fill a page at most', () => {
  const written = Array.from({ length: 300 }, (_, n) => ({ n, trackName: 'é"'.repeat(n % 37) }));
  const text = Buffer.from(JSON.stringify(written, undefined, 1));
  for (const chunkBytes of [1, 7, 1000, 9000]) {
    const rows = historyRows('1');
    const sent: Buffer[] = [];
    for (let at = 0; at < text.length; at += chunkBytes) sent.push(...rows.push(text.subarray(at, at + chunkBytes)));
    const slices = binaryRows(Buffer.concat([...sent, ...rows.end()]));
    expect(slices.flatMap((columns) => JSON.parse(columns[4]?.toString() ?? '') as unknown)).toEqual(written);
    let next = 1;
    for (const columns of slices) {
      expect(columns[1]?.readInt32BE()).toBe(next);
      next += integers(columns[2]).length;
      expect((columns[4]?.length ?? 0) + integers(columns[2]).length * 4).toBeLessThan(8000);
    }
    expect(next).toBe(301);
    expect(slices.flatMap((columns) => integers(columns[2]))).toEqual(written.map((_, n) => 2 + n * 4));
  }
});

test('the line of a slice that the server refuses is that of the play which its line of the JSON stands in', () => {
  const plays = Array.from({ length: 200 }, (_, n) => `{"n": ${n === 150 ? '\n1x' : n}, "trackName": "${'t'.repeat(100)}"}`);
  const rows = historyRows('1');
  const slices = copiedBinary(rows, `[\n${plays.join(',\n')}\n]`);
  const refused = slices.findIndex((columns) => columns[4]?.includes('1x'));
  expect(refused).toBeGreaterThan(0);
  const before = slices[refused]?.[4]?.toString().split('1x')[0]?.split('\n').length;
  expect(rows.lineOf(refused + 1, before)).toBe(152);
  expect(rows.lineOf(refused + 1, (before ?? 0) + 1)).toBe(154);
  expect(rows.lineOf(1)).toBe(2);
  expect(rows.lineOf(slices.length + 1)).toBeUndefined();
});

test('rows longer than a buffer, and many short ones, are whole', () => {
  const long = 'é"\\'.repeat(200_000);
  const written = [{ trackName: long }, ...Array.from({ length: 9000 }, (_, n) => ({ n }))];
  const rows = copiedBinary(historyRows('1'), JSON.stringify(written));
  expect(rows.flatMap((columns) => JSON.parse(columns[4]?.toString() ?? '') as unknown)).toEqual(written);
  expect(rows.slice(0, 2).map((columns) => [columns[1]?.readInt32BE(), integers(columns[2]).length > 1])).toEqual([
    [1, false],
    [2, true],
  ]);
});

test('an entry of a chart has its layout, and its body as version 1 of jsonb', () => {
  const [columns] = copiedBinary(arrayRows('raw.chart_entry', '1', 'ranking'), '[{"rank": 1}]');
  expect(columns?.slice(4).map(String)).toEqual(['ranking', '\u0001{"rank": 1}']);
});

test.for([
  ['\\ud83c\\udfa7 \\\\u0000 \\\\ud800 \\u00e9', undefined],
  ['\\u0000', 'line 2 holds a character which no text of PostgreSQL can: \\u0000'],
  ['\\ud83c', 'half of a surrogate pair stands alone'],
  ['\\ud83cx\\udfa7', 'half of a surrogate pair stands alone'],
  ['\\udfa7\\ud83c', 'half of a surrogate pair stands alone'],
  ['\\ud83c\\ud83c\\udfa7', 'half of a surrogate pair stands alone'],
] as const)('what PostgreSQL cannot take among escapes is refused with the line: %s', ([text, message]) => {
  const read = (): unknown => copiedBinary(historyRows('1'), `[\n{"trackName": "${text}"}]`);
  if (message === undefined) expect(read).not.toThrow();
  else expect(read).toThrow(message);
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
