import type { CommandSpec } from '../command.ts';
import { MARTS_JSON, NO_MARTS } from './group-marts.ts';

const LANDING = [
  { flags: '--landing <dir>', summary: 'where pages land', fallback: "the cluster's first repository" },
  { flags: '--repository <name>', summary: 'the repository where pages land' },
] as const;

export const SPOTIFY_API_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'spotify login',
    summary: 'sign a listener in to the Web API, in the browser',
    description: `Authorization code with PKCE: no client secret is needed. Shows an address to open, waits for the browser to come back to this
machine, and keeps the tokens encrypted in the user's state directory ($XDG_STATE_HOME/dbadmin/spotify). Their key lies in the configuration
directory ($XDG_CONFIG_HOME/dbadmin/spotify.key), or is made from the passphrase in DBADMIN_SPOTIFY_KEY. A sign-in lasts six months.

The redirect has to stand in the dashboard of your app exactly as here. Spotify accepts http for a loopback address only by its number.

$ dbadmin spotify login --client-id 0123456789abcdef0123456789abcdef
$ dbadmin spotify login --server http://127.0.0.1:8890 --client-id anything --listener ada`,
    options: [
      { flags: '--client-id <id>', summary: 'of your app', fallback: '$SPOTIFY_CLIENT_ID' },
      { flags: '--listener <name>', summary: 'the name in the warehouse', fallback: "the account's identifier" },
      { flags: '--redirect <url>', summary: 'as in the dashboard', fallback: 'http://127.0.0.1:8888/callback' },
      { flags: '--server <url>', summary: 'another server than Spotify, such as spotify serve-fake' },
      { flags: '--timeout <duration>', summary: 'how long to wait for the browser', fallback: '5m' },
    ],
    json: ['listener', 'accountId', 'scopes: array of names', 'endsAt: when the sign-in ends, ISO 8601'],
    load: async () => await import('./login.ts'),
  },
  {
    name: 'spotify fetch',
    summary: 'fetch what the Web API has about a listener who signed in',
    description: `Each list is fetched whole, lands in the storage of a repository or in a directory, comes into raw from there, and is cleansed into core.
A run that was stopped between two of these is taken up by the next one. At the end the marts are brought up to date. Waits as Retry-After says, tries again after 5xx, and says when plays
may have been lost because Spotify keeps the last 50 only. Signs of both field sets, before and after February 2026, are understood.

$ dbadmin spotify fetch recent
$ dbadmin spotify fetch all --listener ada --landing ./landing
$ dbadmin spotify fetch covers --covers 500`,
    args: [{ form: '<what...>', summary: 'recent, top, playlists, library, artists, devices, profile, covers, or all' }],
    options: [
      { flags: '--listener <name>', summary: 'whose', fallback: 'the only one who signed in' },
      ...LANDING,
      { flags: '--covers <n>', summary: 'pictures in one run, at most', fallback: '200' },
      NO_MARTS,
    ],
    json: [
      'sets: array of { kind, unit, status: received, nothing new, recovered or refused; pages, items, batchId or null, gap: { after, before } or null, reason or null }',
      'covers: { kept, failed } or null',
      MARTS_JSON,
    ],
    load: async () => await import('./fetch.ts'),
  },
  {
    name: 'spotify forget',
    summary: 'erase a listener from the warehouse, for good',
    description: `Shows what there is: rows in every schema, landed pages, backups. With --erase the tokens, the landed pages and the rows go; the database
proves that no row remains, or nothing of it is erased. Backups cannot be changed: it says when the last one that holds the rows expires, and
writes into the ledger that a restore has to erase them again (restore --reconcile).

$ dbadmin spotify forget ada
$ dbadmin spotify forget ada --erase --yes`,
    args: [{ form: '<listener>', summary: 'the name in the warehouse' }],
    options: [
      { flags: '--erase', summary: 'do it' },
      ...LANDING,
      { flags: '--landing-gone', summary: 'go on although landed pages that raw knows of are not there' },
    ],
    json: [
      'listener',
      'isErased',
      'tables: array of { table, rows }',
      'landedObjects',
      'backups: array of { repository, backups, endsAt or null, said }',
      'signInRemoved: with --erase',
    ],
    load: async () => await import('./forget.ts'),
  },
  {
    name: 'spotify serve-fake',
    summary: "a server that behaves as Spotify's, to try things on without an account",
    description: `Built from an OpenAPI description of the Web API: it answers what the description has, refuses what it does not allow, and gives the fields it
lists. The catalogue and the plays are made up; the same seed gives the same. Listens on this machine only, until it is stopped.

$ dbadmin spotify serve-fake spotify-open-api.yml --as ada --plays 40 --listen-every 60
$ dbadmin spotify serve-fake spotify-open-api.yml --fields before --rate-limit 20 --fail-every 7`,
    args: [{ form: '<openapi>', summary: 'the description, YAML or JSON' }],
    options: [
      { flags: '--port <n>', summary: '0 for any that is free', fallback: '8890' },
      { flags: '--as <name>', summary: 'whose account it is', fallback: 'ada' },
      { flags: '--seed <s>', summary: 'of catalogue and plays', fallback: '1' },
      { flags: '--plays <n>', summary: 'played before it began', fallback: '40' },
      { flags: '--listen-every <seconds>', summary: 'a further play every so often' },
      {
        flags: '--fields <set>',
        summary: 'the fields and operations of before or after February 2026',
        choices: ['before', 'after'],
        fallback: 'after',
      },
      { flags: '--rate-limit <n>', summary: 'requests in any 30 seconds; more are answered 429 with Retry-After' },
      { flags: '--fail-every <n>', summary: 'each n-th request is answered 503' },
      { flags: '--deny', summary: 'sign-ins are denied' },
      { flags: '--wrong-state', summary: 'sign-ins come back with another state' },
      { flags: '--revoke', summary: 'refreshes are answered invalid_grant' },
      { flags: '--rotate', summary: 'each refresh brings a new refresh token, as before July 2026' },
    ],
    json: ['url', 'requests: number of requests answered'],
    load: async () => await import('./serve-fake.ts'),
  },
];
