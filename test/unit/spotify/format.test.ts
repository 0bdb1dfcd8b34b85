import { expect, test } from 'vitest';
import { recogniseFormat } from '../../../src/spotify/load/format.ts';
import { SONG_COLUMNS, songColumns, songCopyStatement } from '../../../src/spotify/load/songs.ts';

const HEADER = SONG_COLUMNS.join(',');
const kindOf = (text: string): string => recogniseFormat(Buffer.from(text)).kind;
const reasonOf = (text: string | Uint8Array): unknown => recogniseFormat(Buffer.from(text));

test('a songs file is known by its header: any order, quoted, CRLF, byte order mark', () => {
  expect(kindOf(`${HEADER}\n1,2`)).toBe('songs');
  expect(
    kindOf(
      `\uFEFF${SONG_COLUMNS.toReversed()
        .map((name) => `"${name}"`)
        .join(', ')}\r\n`,
    ),
  ).toBe('songs');
  expect(kindOf(HEADER)).toBe('songs');
});

test('a songs file with another header is refused with the column', () => {
  expect(reasonOf(HEADER.replace('valence', 'valance'))).toMatchObject({
    kind: 'unsupported',
    reason: 'looks like a songs file, but column "valance" is not one of its columns',
  });
  expect(reasonOf(HEADER.replace(',valence', ''))).toMatchObject({ reason: 'looks like a songs file, but column "valence" is missing' });
  expect(reasonOf(HEADER.replace('valence', 'tempo'))).toMatchObject({
    reason: 'looks like a songs file, but column "tempo" is named twice',
  });
});

test('a streaming history is known by its first play, in any order of names', () => {
  expect(kindOf('\uFEFF\r\n [\n {"msPlayed": 1, "endTime": "2025-01-01 10:00"}')).toBe('streaming_history');
  expect(kindOf('[{"endTime" : "x", "artistName": "a"}]')).toBe('streaming_history');
});

test('what cannot be loaded is told apart, with what to do', () => {
  expect(reasonOf('[{"ts": "2025-01-01T00:00:00Z", "ms_played": 1}]')).toMatchObject({
    kind: 'unsupported',
    reason: 'is an extended streaming history',
  });
  expect(reasonOf(Uint8Array.of(0x50, 0x4b, 3, 4))).toMatchObject({ kind: 'unsupported', hint: 'Unpack it and load the directory.' });
  expect(reasonOf('')).toEqual({ kind: 'unknown', reason: 'is empty' });
  expect(reasonOf('[{"a": 1}]')).toEqual({ kind: 'unknown', reason: 'is JSON, but not a list of plays' });
  expect(reasonOf('[]')).toEqual({ kind: 'unknown', reason: 'is JSON, but not a list of plays' });
  expect(reasonOf('a,b\n1,2\n')).toMatchObject({ kind: 'unknown' });
});

test('COPY takes the columns in the order of the header', () => {
  const columns = songColumns(`\uFEFF${SONG_COLUMNS.toReversed().join(',')}\r`);
  expect(columns).toEqual(SONG_COLUMNS.toReversed());
  expect(songCopyStatement(columns)).toMatch(/^copy raw\.song \(batch_id, row_no, line_no, hash, "duration_ms", "tempo", /);
  expect(() => songColumns('track_id')).toThrow(expect.objectContaining({ code: 'load-failed' }));
});
