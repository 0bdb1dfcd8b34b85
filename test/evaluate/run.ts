import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../..');
/** How a server is named from outside; without any of these there is none to ask. */
const SERVER = ['DATABASE_URL', 'PGHOST', 'PGSERVICE', 'PGDATABASE', 'PGPORT'];

/**
 * `npm run eval`: evaluates what its arguments name, as `dbadmin spotify evaluate` does. Without files it is the warehouse
 * of the environment, and where none is named there, the same files that the tests read (DBADMIN_DATA).
 */
const given = process.argv.slice(2);
const hasSource = given.some((arg, at) => !arg.startsWith('-') && given[at - 1]?.startsWith('-') !== true);
const namesSource = hasSource || given.some((arg) => /^--(interactions|url|cluster|config)\b/.test(arg));
const data = path.resolve(process.env['DBADMIN_DATA'] ?? path.join(ROOT, '../shared/data'));
const files = ['history-jonas-mika', 'tracks-tidytuesday'].map((name) => path.join(data, name)).filter((name) => existsSync(name));
const isServerNamed = SERVER.some((name) => (process.env[name] ?? '') !== '');

if (namesSource || isServerNamed) start(given);
else if (files.length > 0) {
  console.error(`no server is named in the environment: the files in ${path.relative(process.cwd(), data) || data} are evaluated`);
  start([...given, ...files]);
} else {
  console.error(`error: there is nothing to evaluate
  hint: Set DATABASE_URL to a warehouse, or name files:
        npm run eval -- my_spotify_data.zip spotify_songs.csv
        npm run eval -- --interactions FILE.tsv
        DBADMIN_DATA names the directory of the files that the tests read.`);
  process.exitCode = 1;
}

function start(args: readonly string[]): void {
  const child = spawn(process.execPath, [path.join(ROOT, 'bin/dbadmin.cjs'), 'spotify', 'evaluate', ...args], { stdio: 'inherit' });
  // The terminal sends both the signal: this one waits for what the other says.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => child.kill(name));
  child.on('close', (status, signal) => (process.exitCode = status ?? (signal === null ? 1 : 130)));
}
