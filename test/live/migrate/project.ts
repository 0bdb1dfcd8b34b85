import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '../../../src/base/clock.ts';
import type { DbadminError } from '../../../src/base/errors.ts';
import { STRICT } from '../../../src/migrate/plan.ts';
import { migrateUp, type MigrateUpOptions, type MigrateUpResult } from '../../../src/migrate/run.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';

/** A project directory of a test's own, and the run of its migrations against one database. */
export interface TestProject {
  readonly directory: string;
  readonly messages: string[];
  /** Writes below `migrations/` or `routines/`. */
  write(file: string, text: string | Uint8Array): Promise<void>;
  remove(file: string): Promise<void>;
  options(changes?: Partial<MigrateUpOptions>): MigrateUpOptions;
  up(changes?: Partial<MigrateUpOptions>): Promise<MigrateUpResult>;
  /** The error of a run that must fail. */
  failure(changes?: Partial<MigrateUpOptions>): Promise<DbadminError>;
  delete(): Promise<void>;
}

export function parametersOf(url: string): ConnectionParameters {
  const { hostname, port, username, pathname } = new URL(url);
  return {
    hosts: [{ host: hostname, port: Number(port) }],
    user: decodeURIComponent(username),
    database: pathname.slice(1),
    password: undefined,
    sslMode: 'prefer',
    sslRootCert: undefined,
    sslCert: undefined,
    sslKey: undefined,
    targetSessionAttrs: 'any',
    connectTimeoutMs: 10_000,
    applicationName: 'dbadmin-test',
  };
}

export async function createProject(url: string): Promise<TestProject> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-migrate-'));
  const messages: string[] = [];
  const say = (message: string): void => void messages.push(message);
  const options = (changes: Partial<MigrateUpOptions> = {}): MigrateUpOptions => ({
    connection: parametersOf(url),
    schema: 'dbadmin',
    lockTimeoutMs: 3000,
    directories: { project: directory, migrations: path.join(directory, 'migrations'), routines: path.join(directory, 'routines') },
    toolVersion: '0.0.0-test',
    gitCommit: undefined,
    policy: STRICT,
    retry: { attempts: 10, firstPauseMs: 50, longestPauseMs: 200 },
    waitMs: 60_000,
    wantsRestorePoint: false,
    clock: systemClock,
    random: () => 0.5,
    log: { warn: say, info: say, debug: () => undefined },
    signal: new AbortController().signal,
    ...changes,
  });
  return {
    directory,
    messages,
    write: async (file, text) => {
      const location = path.join(directory, file);
      await mkdir(path.dirname(location), { recursive: true });
      await writeFile(location, text);
    },
    remove: async (file) => await rm(path.join(directory, file)),
    options,
    up: async (changes) => await migrateUp(options(changes)),
    failure: async (changes) => {
      try {
        await migrateUp(options(changes));
      } catch (error) {
        return error as DbadminError;
      }
      throw new Error('the run succeeded');
    },
    delete: async () => await rm(directory, { recursive: true, force: true }),
  };
}
