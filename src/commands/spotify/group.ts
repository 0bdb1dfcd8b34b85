import type { CommandSpec } from '../command.ts';
import { MARTS_JSON, NO_MARTS } from './group-marts.ts';

export const SPOTIFY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'spotify load',
    summary: 'load account exports, songs, playlists, charts and API pages into the warehouse',
    description: `Lands each file in raw as it is, in one transaction, then cleanses it into core. A file whose content is there already
adds nothing. At the end the marts are brought up to date, by what changed. Formats are told by content: account exports (basic and extended histories, playlists, library; unpacked or
straight from the zip), songs, playlists and charts as CSV (columns in any order; comma, semicolon or tab), charts as a JSON
array, and pages of the Web API. A broken line refuses its whole file, with the line; of a directory or zip the other files
are loaded, and the exit status is 3.

$ dbadmin spotify load my_spotify_data.zip --listener ada
$ dbadmin spotify load ~/ada
$ dbadmin spotify load regional-global-weekly-2025-01-02.csv
$ zcat songs.csv.gz | dbadmin spotify load -`,
    args: [{ form: '<file>', summary: 'a file, a zip archive, a directory, or - for standard input' }],
    options: [
      { flags: '--listener <name>', summary: 'whose data it is', fallback: 'the name of the nearest folder or archive that says one' },
      { flags: '--encoding <label>', summary: 'what files without a byte order mark are written in', fallback: 'utf-8' },
      NO_MARTS,
    ],
    json: [
      'files: array of { name, format, listener or null, batchId, rowsReceived, status, receiveMs, run: { rowsIn, rowsOut, rowsRejected, tookMs } or null, findings: array of { rule, finding, found } }',
      'skipped: array of { name, reason }',
      'refused: array of { message, detail or null }: files that should have been loaded and were not',
      'findings: of the step that links duplicates by meaning',
      MARTS_JSON,
    ],
    load: async () => await import('./load.ts'),
  },
  {
    name: 'spotify view',
    summary: 'look at what the warehouse holds',
    description: `Without a table, lists the tables and views with what they hold. With one, shows its rows, read in a transaction that
can change nothing.

$ dbadmin spotify view
$ dbadmin spotify view core.track --where "name ilike '%rain%'" --limit 50
$ dbadmin spotify view quality.quarantine --where "rule_id = 'B6'" --csv > refused.csv`,
    args: [{ form: '[table]', summary: 'a table or view, with its schema where several have it' }],
    options: [
      { flags: '--where <condition>', summary: 'a condition in SQL' },
      { flags: '--order <list>', summary: 'an ORDER BY list in SQL', fallback: 'the first column' },
      { flags: '--limit <n>', summary: 'how many rows at most', fallback: '20, with --csv all' },
      { flags: '--csv', summary: 'whole values as CSV: NULL is nothing, the empty text a pair of quotes' },
    ],
    json: [
      'relations: array of { name, kind, estimatedRows or null, comment }, without a table',
      'table: as given; columns: array of names; rows: array of arrays of text or null',
    ],
    load: async () => await import('./view.ts'),
  },
  {
    name: 'spotify generate',
    summary: 'make listening data to try things on: the same seed gives the same files',
    description: `Writes songs, playlists, charts, and each listener's account export (basic and extended histories that overlap, playlists,
library, an API page), with the kinds of dirt that real files have.

$ dbadmin spotify generate --listeners 20 --plays 20000 --seed 1 --out /tmp/listening`,
    options: [
      { flags: '--listeners <n>', summary: 'how many people', fallback: '10' },
      { flags: '--plays <m>', summary: 'how many plays in all', fallback: '10000' },
      { flags: '--seed <s>', summary: 'a number', fallback: '1' },
      { flags: '--kinds <list>', summary: 'some of songs, histories, extended, account, playlists, charts, pages', fallback: 'all' },
      { flags: '--out <dir>', summary: 'where to write, empty or absent' },
    ],
    json: ['directory: absolute path', 'files: array of { path, rows }'],
    load: async () => await import('./generate.ts'),
  },
];
