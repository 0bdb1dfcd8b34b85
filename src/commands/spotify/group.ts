import type { CommandSpec } from '../command.ts';

export const SPOTIFY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'spotify load',
    summary: 'load songs files and streaming histories into the warehouse',
    description: `Lands each file in raw as it is, in one transaction, then cleanses it into core. A file whose content is there already
adds nothing. Formats are told by content: songs as CSV (23 named columns in any order) and the basic account export
(StreamingHistory*.json). A broken line refuses its whole file, with the line.

$ dbadmin spotify load ~/my_spotify_data
$ dbadmin spotify load StreamingHistory0.json --listener ada
$ zcat songs.csv.gz | dbadmin spotify load -`,
    args: [{ form: '<file>', summary: 'a file, a directory, or - for standard input' }],
    options: [{ flags: '--listener <name>', summary: 'whose history it is', fallback: 'the name of its directory' }],
    json: [
      'files: array of { name, format, listener, batchId, rowsReceived, status, receiveMs, run: { rowsIn, rowsOut, rowsRejected, tookMs } or null, findings: array of { rule, finding, found } }',
      'skipped: array of { name, reason }',
      'findings: of the step that links duplicates by meaning',
    ],
    load: async () => await import('./load.ts'),
  },
  {
    name: 'spotify generate',
    summary: 'make listening data to try things on: the same seed gives the same files',
    description: `Writes songs.csv and one streaming history per listener, with the kinds of dirt that real exports have.

$ dbadmin spotify generate --listeners 20 --plays 20000 --seed 1 --out /tmp/listening`,
    options: [
      { flags: '--listeners <n>', summary: 'how many people', fallback: '10' },
      { flags: '--plays <m>', summary: 'how many plays in all', fallback: '10000' },
      { flags: '--seed <s>', summary: 'a number', fallback: '1' },
      { flags: '--out <dir>', summary: 'where to write, empty or absent' },
    ],
    json: ['directory: absolute path', 'files: array of { path, rows }'],
    load: async () => await import('./generate.ts'),
  },
];
