import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { Environment } from '../../postgres/programs.ts';
import { quoteName } from '../../postgres/quote.ts';
import { readFiles, type FoundFiles, type MigrationDirectories } from '../inspect.ts';
import { parseSqlFile } from '../files/migration.ts';
import { compareVersions } from '../files/names.ts';
import { loadSqlParser } from '../sql/parser.ts';
import { STRICT } from '../plan.ts';
import { DEFAULT_RETRY } from '../session/retry.ts';
import { migrateUp } from '../run.ts';
import { dumpSchema } from './dump-run.ts';
import { neededRoles } from './needed-roles.ts';

export interface ReplayOptions {
  /** An empty database whose user is a superuser, or may at least create roles. */
  readonly scratch: ConnectionParameters;
  readonly major: number;
  readonly directories: MigrationDirectories;
  readonly historySchema: string;
  readonly toolVersion: string;
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Replayed {
  /** Canonical. */
  readonly schema: string;
  readonly migrations: number;
  readonly routines: number;
}

/**
 * Applies the files to an empty database as `up` would, and gives the schema that they make. Roles that they need are made first,
 * and dropped after where the server is somebody's. `afterwards` still finds all of it there.
 *
 * @throws {DbadminError} what `up` throws: a file that does not run on an empty server is the finding.
 */
export async function replay(options: ReplayOptions, afterwards?: () => Promise<void>): Promise<Replayed> {
  return await withReplayed(options, async (applied) => {
    const schema = await dump(options);
    await afterwards?.();
    return { ...applied, schema };
  });
}

/**
 * Applies the files as {@link replay} does, and does `work` with what they make. Needs no pg_dump.
 *
 * @throws {DbadminError} what `up` throws.
 */
export async function withReplayed<Value>(
  options: ReplayOptions,
  work: (applied: { readonly migrations: number; readonly routines: number }) => Promise<Value>,
): Promise<Value> {
  return await withRoles(options, await rolesOf(await readFiles(options.directories)), async () => {
    const { versioned, routines } = await run(options, options.directories);
    return await work({ migrations: versioned, routines });
  });
}

/** What the versioned files up to `version` make, and what the routines make of it then; the second undefined where they fail. */
export async function replayUpTo(
  options: ReplayOptions,
  version: string,
): Promise<{ readonly versioned: Replayed; readonly withRoutines: string | undefined }> {
  return await withRoles(options, await rolesOf(await readFiles(options.directories)), async () => {
    const copy = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-replay-'));
    try {
      const directories = await copyUpTo(options.directories, version, copy);
      const { versioned } = await run(options, { ...directories, routines: path.join(copy, 'none') });
      const schema = await dump(options);
      const withRoutines = await routinesToo(options, directories);
      return { versioned: { schema, migrations: versioned, routines: 0 }, withRoutines };
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  });
}

/** Routines may need what later files make: then nothing is known of them. */
async function routinesToo(options: ReplayOptions, directories: MigrationDirectories): Promise<string | undefined> {
  try {
    await run(options, directories);
    return await dump(options);
  } catch (error) {
    if (isDbadminError(error, 'migration-failed')) return undefined;
    throw error;
  }
}

async function copyUpTo(directories: MigrationDirectories, version: string, into: string): Promise<MigrationDirectories> {
  const copied = (directory: string): string => {
    const below = path.relative(directories.project, directory);
    return path.join(into, below.startsWith('..') ? path.basename(directory) : below);
  };
  const { migrations } = await readFiles(directories);
  await makeDirectories(copied(directories.migrations));
  for (const { name, file } of migrations) {
    if (compareVersions(name.version, version) <= 0) await cp(file.location, path.join(copied(directories.migrations), name.file));
  }
  // The same paths below another project, so that messages name the files as they are called here.
  await cp(directories.routines, copied(directories.routines), { recursive: true }).catch(() => undefined);
  return { ...directories, project: into, migrations: copied(directories.migrations), routines: copied(directories.routines) };
}

async function run(
  { scratch, historySchema, toolVersion, clock, log, signal }: ReplayOptions,
  directories: MigrationDirectories,
): Promise<{ readonly versioned: number; readonly routines: number }> {
  const result = await migrateUp({
    connection: scratch,
    schema: historySchema,
    lockTimeoutMs: 60_000,
    directories,
    toolVersion,
    gitCommit: undefined,
    policy: STRICT,
    retry: DEFAULT_RETRY,
    waitMs: 60_000,
    wantsRestorePoint: false,
    clock,
    random: Math.random,
    // What a file says on an empty server is not news to anybody.
    log: { warn: (text) => log.debug(text), info: (text) => log.debug(text), debug: (text) => log.debug(text) },
    signal,
  });
  return { versioned: result.versioned.length, routines: result.routines.length };
}

async function dump({ scratch, historySchema, major, env, signal }: ReplayOptions): Promise<string> {
  return await dumpSchema({ connection: scratch, historySchema, major, env, signal });
}

async function rolesOf(files: FoundFiles): Promise<readonly string[]> {
  const parser = await loadSqlParser();
  const all = [...files.migrations, ...files.routines].map(({ file }) => file);
  return neededRoles(
    all.flatMap((file) => {
      try {
        return [parseSqlFile(file, parser)];
      } catch (error) {
        // The run says it with its place.
        if (error instanceof DbadminError) return [];
        throw error;
      }
    }),
    parser,
  );
}

async function withRoles<Value>(options: ReplayOptions, roles: readonly string[], work: () => Promise<Value>): Promise<Value> {
  const made: string[] = [];
  const sql = await openClient(options.scratch);
  try {
    const there = new Set((await sql<{ rolname: string }[]>`select rolname from pg_catalog.pg_roles`).map(({ rolname }) => rolname));
    for (const role of roles) {
      if (there.has(role)) continue;
      await sql.unsafe(`create role ${quoteName(role)}`);
      made.push(role);
    }
    return await work();
  } finally {
    // Elsewhere the whole server goes.
    for (const role of made)
      await sql.unsafe(`drop owned by ${quoteName(role)} cascade; drop role ${quoteName(role)}`).catch(() => undefined);
    await sql.end({ timeout: 1 });
  }
}
