import path from 'node:path';
import { DbadminError } from '../base/errors.ts';
import { embeddedPrograms, hasEmbedded } from './embedded.ts';
import { usesSystemRoots, type ConnectionParameters } from './parameters.ts';
import { askVersion, configuredDirectory, programDirectories, type Environment, type FoundProgram } from './program-places.ts';
import { unprivilegedUser, type ServerPrograms } from './server.ts';

export type { Environment, FoundProgram } from './program-places.ts';

const SERVER_PROGRAMS = ['postgres', 'initdb', 'pg_ctl'] as const;

/**
 * The server programs of `major` on this machine: from `DBADMIN_PG_BIN_<major>`, pg_config, the places of the
 * distributions, PATH, then the npm package. Undefined when there are none; {@link missingServerPrograms} says what to do.
 *
 * @throws {DbadminError} `program-missing` when `DBADMIN_PG_BIN_<major>` is set and wrong: what was asked for is not replaced silently.
 */
export async function findServerPrograms(major: number, env: Environment): Promise<ServerPrograms | undefined> {
  const configured = configuredDirectory(env, major);
  if (configured !== undefined) {
    if (await holdsServer(configured, major)) return { major, binDirectory: configured, runAs: await unprivilegedUser() };
    throw new DbadminError('program-missing', `DBADMIN_PG_BIN_${major} names no server programs of PostgreSQL ${major}`, {
      detail: `Looked in ${configured} for ${SERVER_PROGRAMS.join(', ')} and their version.`,
      hint: 'Set it to the directory that holds them, or unset it.',
    });
  }
  for (const directory of await programDirectories(env, major)) {
    if (await holdsServer(directory, major)) return { major, binDirectory: directory, runAs: await unprivilegedUser() };
  }
  return hasEmbedded(major) ? await embeddedPrograms(major) : undefined;
}

/** The refusal when {@link findServerPrograms} found none. */
export function missingServerPrograms(major: number): DbadminError {
  return new DbadminError('program-missing', `the server programs of PostgreSQL ${major} are not on this machine`, {
    detail: `Looked at DBADMIN_PG_BIN_${major}, pg_config, the distributions' directories and PATH.`,
    hint: `${installHint(`postgresql-${major}`, `postgresql${major}-server`, major)}\nor set DBADMIN_PG_BIN_${major} to their directory.`,
  });
}

/** Client programs that dbadmin runs. */
export type ClientProgram =
  | 'pg_dump'
  | 'pg_dumpall'
  | 'pg_restore'
  | 'psql'
  | 'pg_verifybackup'
  | 'pg_amcheck'
  | 'pg_waldump'
  | 'pg_combinebackup';

/** Which client program will do. */
export interface WantedProgram {
  readonly atLeastMajor: number;
  /** Why that is not the server's: a sentence. */
  readonly because?: string;
}

/** libpq knows the system's authorities since then; before it takes a file and nothing else. */
const SYSTEM_ROOTS_SINCE = 16;

/** The client program for a server of `major` that `parameters` lead to: it has to check the server's certificate as they say. */
export function wantedFor(parameters: ConnectionParameters, major: number): WantedProgram {
  if (!usesSystemRoots(parameters) || major >= SYSTEM_ROOTS_SINCE) return { atLeastMajor: major };
  const because =
    "Older ones cannot check a server's certificate with the system's authorities: they want a file (sslrootcert=FILE, PGSSLROOTCERT or ~/.postgresql/root.crt).";
  return { atLeastMajor: SYSTEM_ROOTS_SINCE, because };
}

/**
 * A client program of at least a server's major: of that major where there is one, else of the next newer. A dump by an
 * older pg_dump is refused by the server's rules, so older ones do not count.
 *
 * @throws {DbadminError} `program-missing` naming what was found and how to install the right one.
 */
export async function findClientProgram(name: ClientProgram, wanted: WantedProgram, env: Environment): Promise<FoundProgram> {
  const found: FoundProgram[] = [];
  for (const directory of await programDirectories(env, undefined)) {
    const program = await askVersion(path.join(directory, name));
    if (program !== undefined) found.push(program);
  }
  const fitting = found.filter(({ major }) => major >= wanted.atLeastMajor);
  const [first, ...others] = fitting;
  if (first !== undefined) return others.reduce((best, each) => (each.major < best.major ? each : best), first);
  throw new DbadminError('program-missing', `${name} of PostgreSQL ${wanted.atLeastMajor} or newer is not on this machine`, {
    detail: [
      found.length === 0
        ? `There is no ${name} at all.`
        : `Found only ${found.map((each) => `${each.version} (${each.path})`).join(', ')}.`,
      ...(wanted.because === undefined ? [] : [wanted.because]),
    ].join('\n'),
    hint: installHint(`postgresql-client-${wanted.atLeastMajor}`, `postgresql${wanted.atLeastMajor}`, wanted.atLeastMajor),
  });
}

async function holdsServer(directory: string, major: number): Promise<boolean> {
  for (const name of SERVER_PROGRAMS) {
    if ((await askVersion(path.join(directory, name)))?.major !== major) return false;
  }
  return true;
}

function installHint(debian: string, redHat: string, major: number): string {
  if (process.platform === 'darwin') return `Install it: brew install postgresql@${major}`;
  return `Install it: apt-get install ${debian} (Debian, Ubuntu), dnf install ${redHat} (Red Hat); older systems need the PGDG repository, see https://www.postgresql.org/download/`;
}
