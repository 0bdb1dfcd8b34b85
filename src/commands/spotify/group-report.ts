import type { CommandSpec } from '../command.ts';

export const SPOTIFY_REPORT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'spotify report',
    summary: 'what was played, when, from where: as tables, CSV or one self-contained page',
    description: `Without a name, everything; else the parts named: cards, sources, content, hours, weekdays, week-hours, days, weeks, months,
date-range, sessions, genres, top-tracks, top-albums, top-artists, track-detail, track-choices, album-choices (together: listening);
lengths, skipped-tracks, circumstances, sound (habits); listener, countries, playlists, saved-tracks, saved-albums, followed-artists,
favourite-artists, favourite-tracks, devices, recent-plays (user); chart-movement, chart-entries, chart-tracks, chart-genres (charts);
basis, refused, received, load-runs (quality). All figures are of one moment, read from the marts; mart.visual says which
visual of the reports each gives.

Filters hold together. Days, hours and weeks are those of each listener's own zone unless --zone names one. A filter that says
nothing about a part is told. Names are matched whatever their case; where several things have one name, they are listed with
numbers to give instead (as id:22 where something may be called 22).

html is one file with drawings, figures as tables, light and dark, without scripts, that asks no server for anything. csv is one
file a part into the directory of --out, or one part on stdout; a text that a spreadsheet would run as a formula begins with an
apostrophe there, --verbatim leaves it as it is.

$ dbadmin spotify report cards top-tracks --month 2025-10
$ dbadmin spotify report --format html --out october.html --from 2025-10-01 --to 2025-10-31 --zone Asia/Kolkata
$ dbadmin spotify report days --listener ada --artist "Amber Atlas" --format csv > days.csv
$ dbadmin spotify report charts --chart "Global weekly" --format csv --out charts/`,
    args: [{ form: '[names...]', summary: 'parts of the report, or listening, habits, user, charts, quality' }],
    options: [
      { flags: '--format <form>', summary: 'how', choices: ['table', 'csv', 'html'], fallback: 'table' },
      { flags: '--out <path>', summary: 'a file for html, a directory for csv', fallback: 'stdout' },
      { flags: '--month <month>', summary: 'plays of one month, such as 2025-10' },
      { flags: '--from <day>', summary: 'plays from that day on, such as 2025-10-01' },
      { flags: '--to <day>', summary: 'plays up to that day, itself included' },
      { flags: '--listener <name>', summary: 'of one listener' },
      { flags: '--track <track>', summary: 'of one song: name, number or Spotify identifier' },
      { flags: '--album <album>', summary: 'of one album: name, number or Spotify identifier' },
      { flags: '--artist <artist>', summary: 'with one artist: name, number or Spotify identifier' },
      { flags: '--chart <name>', summary: 'of one chart' },
      { flags: '--zone <zone>', summary: 'days and hours of one time zone, such as Asia/Kolkata', fallback: "each listener's own" },
      { flags: '--top <n>', summary: 'how long lists of the most played are', fallback: '10' },
      { flags: '--verbatim', summary: 'csv: texts as they are stored, for programs' },
    ],
    json: [
      'scope: { listener, track, album, artist: { id, name } or null, chart, month, from, to, zone or null }',
      'parts: array of { name, title, about, relation, takes: array of the filters that narrow it, columns: array of { key, head, measure }, rows: array of objects by key; listening_time is an interval as PostgreSQL writes it, ms_played milliseconds }',
      'idle: by filter, the parts that it says nothing about',
      'waitingPlays: loaded since the marts were last refreshed, or null where this role may not know',
      'written: array of paths',
    ],
    load: async () => await import('./report.ts'),
  },
  {
    name: 'spotify find',
    summary: 'listeners, artists, albums and tracks whose name holds a text',
    description: `Names that begin with it come first, then those with most plays. The numbers are what --listener, --artist, --album and --track
of the report take where a name means several things.

$ dbadmin spotify find rain
$ dbadmin spotify find "amber a" --kind artist --k 3 --json`,
    args: [{ form: '<text>', summary: 'a part of a name, in whatever case' }],
    options: [
      { flags: '--kind <kind>', summary: 'of this kind only', choices: ['listener', 'artist', 'album', 'track'], repeatable: true },
      { flags: '--k <n>', summary: 'how many of each kind', fallback: '10' },
    ],
    json: ['matches: array of { kind, id, name, artist or null, plays }'],
    load: async () => await import('./find.ts'),
  },
];
