import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** The environment, as an argument. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A program that was found and asked for its version. */
export interface FoundProgram {
  readonly path: string;
  readonly major: number;
  /** As the program prints it: `17.10`. */
  readonly version: string;
}

const TIMEOUT_MS = 10_000;

/** Directories that hold one major in each: `*` stands for its number. Debian, Red Hat, Homebrew (arm64, x86-64), Postgres.app. */
const VERSIONED_PLACES = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
];

/** Where `DBADMIN_PG_BIN_<major>` points, if it is set. */
export function configuredDirectory(env: Environment, major: number): string | undefined {
  const directory = env[`DBADMIN_PG_BIN_${major}`];
  return directory === '' ? undefined : directory;
}

/** The directories that may hold programs of `major`, likeliest first; of every major when it is undefined. Some do not exist. */
export async function programDirectories(env: Environment, major: number | undefined): Promise<readonly string[]> {
  const versioned =
    major === undefined
      ? (await Promise.all(VERSIONED_PLACES.map(async (place) => await expand(place)))).flat()
      : VERSIONED_PLACES.map((place) => place.replace('*', String(major)));
  const configured = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && value !== '' && (major === undefined ? /^DBADMIN_PG_BIN_\d+$/.test(name) : name === `DBADMIN_PG_BIN_${major}`)
      ? [value]
      : [],
  );
  const search = (env['PATH'] ?? '').split(path.delimiter).filter((directory) => path.isAbsolute(directory));
  const told = await bindirOfPgConfig(search);
  return [...new Set([...configured, ...(told === undefined ? [] : [told]), ...versioned, ...search])];
}

/** Asks a program for its version, or gives undefined when there is none at `file` that runs and says it is PostgreSQL's. */
export async function askVersion(file: string): Promise<FoundProgram | undefined> {
  if (!(await isExecutable(file))) return undefined;
  try {
    const { stdout } = await promisify(execFile)(file, ['--version'], {
      timeout: TIMEOUT_MS,
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    });
    const version = /\(PostgreSQL\) (\d+\S*)/.exec(stdout)?.[1];
    return version === undefined ? undefined : { path: file, major: Number.parseInt(version, 10), version };
  } catch {
    // It does not run here: another platform's, or its libraries are missing.
    return undefined;
  }
}

async function expand(place: string): Promise<string[]> {
  const [before, after] = place.split('*');
  const parent = path.dirname(`${before ?? ''}x`);
  const names = await readdir(parent).catch(() => []);
  const prefix = path.basename(`${before ?? ''}x`).slice(0, -1);
  return names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => `${path.join(parent, name)}${after ?? ''}`);
}

async function bindirOfPgConfig(search: readonly string[]): Promise<string | undefined> {
  for (const directory of search) {
    const file = path.join(directory, 'pg_config');
    if (!(await isExecutable(file))) continue;
    try {
      return (await promisify(execFile)(file, ['--bindir'], { timeout: TIMEOUT_MS })).stdout.trim();
    } catch {
      return undefined;
    }
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
