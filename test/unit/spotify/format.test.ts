import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { endpointOf, recogniseDocument } from '../../../src/spotify/load/documents.ts';
import { encodingOf, toUtf8 } from '../../../src/spotify/load/encoding.ts';
import { recogniseFormat } from '../../../src/spotify/load/format.ts';
import { jsonFaultLine } from '../../../src/spotify/load/json-fault.ts';
import { listenerOfFolders } from '../../../src/spotify/load/listener.ts';
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

test('extended histories, charts and playlists are known by their names, in any case and order', () => {
  expect(kindOf('[{"ts": "2025-01-01T00:00:00Z", "ms_played": 1}]')).toBe('extended_history');
  expect(reasonOf('rank,uri,artist_names,track_name,streams\n')).toMatchObject({ kind: 'chart', layout: 'ranking' });
  expect(reasonOf(',,,"Note that these figures",\nPosition,Track Name,Artist,Streams,URL\n')).toMatchObject({ kind: 'chart' });
  expect(reasonOf('Index,Highest Charting Position,Song Name,Weeks Charted\n')).toMatchObject({ layout: 'track_summary' });
  expect(reasonOf('track_name,artist(s)_name,released_year,streams,bpm\n')).toMatchObject({ kind: 'chart', layout: 'track_summary' });
  expect(reasonOf('Added At,Track Name,Artist,Streams\n')).toMatchObject({ kind: 'playlist', layout: 'columns' });
  expect(reasonOf('[{"position": 1, "title": "T"}]')).toMatchObject({ kind: 'chart', form: { kind: 'array' } });
  expect(reasonOf('"Track URI","Track Name","Artist Name(s)"\n')).toMatchObject({ kind: 'playlist', layout: 'columns' });
  expect(reasonOf('Added At;Track URI;Track Name\n')).toMatchObject({ kind: 'playlist', form: { kind: 'csv', delimiter: ';' } });
  expect(reasonOf(Buffer.from('\uFEFFTrack URI\tTrack Name\n', 'utf16le'))).toMatchObject({
    kind: 'playlist',
    form: { kind: 'csv', delimiter: '\t' },
    encoding: 'utf-16le',
  });
  expect(reasonOf('{"playlists": [')).toEqual({ kind: 'document', encoding: 'utf-8' });
});

test('what a document is, is told by the whole of it', () => {
  const kind = (value: unknown): unknown => recogniseDocument(value, 'utf-8').kind;
  expect(kind({ playlists: [{ name: 'P', items: [] }] })).toBe('playlist');
  expect(kind({ tracks: [], albums: [], shows: [] })).toBe('library');
  expect(kind({ href: 'https://api.spotify.com/v1/me/top/tracks?limit=5', items: [] })).toBe('page');
  expect(kind({ userIsFollowing: [] })).toBe('unknown');
  expect(endpointOf('https://api.spotify.com/v1/playlists/37i9dQZEVXbNG2KDcFcKOF/items?offset=0')).toBe('playlists/{id}/items');
  expect(endpointOf('https://api.spotify.com/v1/users/ada/playlists')).toBe('users/{id}/playlists');
});

test('what cannot be loaded is told apart', () => {
  expect(reasonOf('[{"endTime": "x", "podcastName": "P"}]')).toMatchObject({ kind: 'unsupported', reason: 'is a history of podcasts' });
  expect(reasonOf('rank,rank,track_name\n')).toMatchObject({ reason: 'looks like a chart file, but column "rank" is named twice' });
  expect(reasonOf('')).toEqual({ kind: 'unknown', reason: 'is empty' });
  expect(reasonOf('\uFEFF \n')).toEqual({ kind: 'unknown', reason: 'holds nothing but blanks' });
  expect(reasonOf('[{"a": 1}]')).toEqual({ kind: 'unknown', reason: 'is JSON, but not a list of plays or of chart entries' });
  expect(kindOf('[]')).toBe('unknown');
  expect(reasonOf('a,b\n1,2\n')).toMatchObject({ kind: 'unknown' });
});

test('bytes of other encodings become UTF-8 however they are cut, and what an encoding does not have is refused with its line', () => {
  const read = (encoding: string, bytes: Buffer, cut: number): string => {
    const decoder = toUtf8(encoding);
    return Buffer.concat([decoder.push(bytes.subarray(0, cut)), decoder.push(bytes.subarray(cut)), decoder.end()]).toString('utf8');
  };
  expect(read('windows-1252', Buffer.from('é\n', 'latin1'), 1)).toBe('é\n');
  const wide = Buffer.from('a\nÖ🎧', 'utf16le');
  for (let cut = 0; cut <= wide.length; cut += 1) expect(read('utf-16le', wide, cut)).toBe('a\nÖ🎧');
  expect(() => read('utf-16le', Buffer.from('a\nb\n\ud800x', 'utf16le'), 3)).toThrow('line 3 is not utf-16le text');
  expect(() => encodingOf('klingon')).toThrow('unknown encoding "klingon"');
});

test('whose data it is, is the nearest folder that says a name', () => {
  expect(listenerOfFolders(['MyData', 'ada'])).toBe('ada');
  expect(listenerOfFolders(['Spotify Account Data', 'my_spotify_data (1).zip', 'Downloads', 'bea', 'home', ''])).toBe('bea');
  expect(listenerOfFolders(['Spotify Extended Streaming History', 'cid.zip'])).toBe('cid');
  expect(listenerOfFolders(['Downloads', ''])).toBeUndefined();
});

test('COPY takes the columns in the order of the header', () => {
  const columns = songColumns(`\uFEFF${SONG_COLUMNS.toReversed().join(',')}\r`);
  expect(columns).toEqual(SONG_COLUMNS.toReversed());
  expect(songCopyStatement(columns)).toMatch(/^copy raw\.song \(batch_id, row_no, line_no, hash, "duration_ms", "tempo", /);
  expect(() => songColumns('track_id')).toThrow(expect.objectContaining({ code: 'load-failed' }));
});

test('the line on which a text ceases to be JSON is found, and in JSON there is none', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(jsonFaultLine(text)).toBeUndefined();
    }),
    { seed: 20261121 },
  );
  const cut = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', '}', ']', ',', ':', '"', '1', 'x', '\n')).map(([text, at, put]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + put + text.slice(place + 1);
  });
  fc.assert(
    fc.property(cut, (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect(jsonFaultLine(text) === undefined).toBe(isJson);
    }),
    { seed: 20261121, numRuns: 500 },
  );
  expect(jsonFaultLine('{"a":\n[1,\n2 3]}')).toBe(3);
  expect(jsonFaultLine('[1,\n"b\n"]')).toBe(2);
  expect(jsonFaultLine('{"a": 1\n\n')).toBe(1);
});
