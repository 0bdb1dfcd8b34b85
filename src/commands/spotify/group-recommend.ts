import type { CommandSpec } from '../command.ts';

const K = { flags: '--k <n>', summary: 'how many songs', fallback: '10' } as const;
const REFRESH = { flags: '--refresh', summary: 'first take in what was loaded since the last time' } as const;
const SONGS = 'songs: array of { rank, trackId, name or null, artist or null, coverId or null, score, reason';

export const SPOTIFY_RECOMMEND_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'spotify recommend',
    summary: 'songs for a listener, after a track, or by preference',
    description: `By what is found together: heard close to each other, on the same playlists, by the same listeners. For a listener
(--listener), for what to play next (--after), or for somebody without a history, by genres, audio features in their own units
and tracks they like (--genre, --feature, --like). Where co-occurrence has too little to say, songs of the same artists follow,
then popular ones; the reason says which. A song comes once, however many tracks mean it.

A track is given as its number, its Spotify identifier, URI or address, or as "artist - name".

$ dbadmin spotify recommend --listener ada
$ dbadmin spotify recommend --listener ada --heard not-recently --recent 90d
$ dbadmin spotify recommend --after "Boards of Canada - Roygbiv" --k 5
$ dbadmin spotify recommend --genre rock --feature energy=0.9 --feature tempo_bpm=150 --like spotify:track:6rqhFgbbKwnb9MLmUQDhG6`,
    options: [
      { flags: '--listener <name>', summary: 'for whom' },
      {
        flags: '--heard <which>',
        summary: 'what of their own may come',
        choices: ['never', 'not-recently', 'any'],
        fallback: 'never: nothing they heard or saved',
      },
      { flags: '--recent <duration>', summary: 'how long before their last listen is recently', fallback: '30d' },
      { flags: '--after <track>', summary: 'what to play after this track' },
      { flags: '--genre <name>', summary: 'a genre or subgenre', repeatable: true },
      { flags: '--feature <name=value>', summary: 'an audio feature, such as energy=0.8', repeatable: true },
      { flags: '--like <track>', summary: 'a track they like', repeatable: true },
      { flags: '--popular <weight>', summary: 'how much it counts that others hear a song, from 0 to 1', fallback: '0.2' },
      { flags: '--unheard-by <name>', summary: 'by preference: leave out what this listener heard or saved' },
      K,
      REFRESH,
    ],
    json: [
      'by: listener, track or preference',
      `${SONGS}, becauseOf or null }: becauseOf is { trackId, name, artist } of the song, of the listener's or of those liked, that said most for it`,
      'isUpToDate: whether all that is loaded was taken into account',
    ],
    load: async () => await import('./recommend.ts'),
  },
  {
    name: 'spotify preferences',
    summary: 'what a preference can name: genres, and audio features with their range',
    description: `What --genre and --feature of recommend can be: genres and subgenres with how many songs have them, audio features with
the least, the most and the mean of all songs.

$ dbadmin spotify preferences`,
    json: ['features: array of { feature, least, most, mean, deviation }', 'genres: array of { genre, songs }'],
    load: async () => await import('./preferences.ts'),
  },
  {
    name: 'spotify sounds-like',
    summary: "songs whose audio features are nearest to a track's",
    description: `Nearest over nine audio features, in standard deviations. It tells what sounds alike, which is not what people like
together: the evaluation shows how far apart the two are.

$ dbadmin spotify sounds-like "Billie Eilish - bad guy"
$ dbadmin spotify sounds-like 4711 --k 20 --json`,
    args: [{ form: '<track>', summary: 'its number, Spotify identifier, URI or address, or "artist - name"' }],
    options: [K, REFRESH],
    json: [
      'track: { trackId, name or null, artist or null }',
      'songs: array of { rank, trackId, name or null, artist or null, coverId or null, distance }',
      'isUpToDate: whether all that is loaded was taken into account',
    ],
    load: async () => await import('./sounds-like.ts'),
  },
  {
    name: 'spotify evaluate',
    summary: 'how good the recommendations are, measured against simple ones',
    description: `Hides what is known and asks for it: the next track in the last fifth of the time, a fifth of each playlist, a fifth of what
each listener has. All items are ranked, none are sampled. Beside the method stand chance, popularity, recent popularity, same
artist and audio features; intervals hold 95 % (bootstrap). Reads the warehouse, or files; a run on the warehouse is stored in
reco.evaluation. The same seed gives the same figures.

Fails when co-occurrence does not find the next track at least twice as often as popularity does (HR@10).
With --stored nothing is measured: the last run that was stored is shown.

$ dbadmin spotify evaluate
$ dbadmin spotify evaluate --stored
$ dbadmin spotify evaluate my_spotify_data.zip spotify_songs.csv
$ dbadmin spotify evaluate --interactions listens.tsv --at-least 2.5`,
    args: [{ form: '[files...]', summary: 'histories of account exports and songs files, instead of the warehouse' }],
    options: [
      { flags: '--interactions <file>', summary: 'rows of listener, item and count, parted by tabs; - is standard input' },
      {
        flags: '--at-least <ratio>',
        summary: 'fail when the method reaches less than this many times popularity',
        fallback: '2 for the next track; nothing is demanded of --interactions',
      },
      { flags: '--seed <n>', summary: 'another split, other intervals', fallback: '1' },
      { flags: '--store', summary: 'store the run of files in the warehouse, too' },
      { flags: '--stored', summary: 'measure nothing: show the last run that was stored' },
    ],
    json: [
      'source: warehouse, or the files; seed; settings: { shrinkage, neighbours, window, profile }',
      'tasks: array of { task, cases, items, notes, methods: array of { method, figures: { <metric>: { value, low, high } }, itemsShown: different items among the first ten, knownShare: of the first ten, what whoever is asked about had before (0 to 1), or null, overPopularity: { value, low, high } or null } }',
      'demanded: times popularity, or null; reached: true, false, or null where nothing was demanded or there is too little to judge by',
      'evaluationId: of the stored run, or null; storedAt: when it was stored, or null, with --stored',
    ],
    load: async () => await import('./evaluate.ts'),
  },
];
