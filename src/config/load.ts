import { accessSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import type { ClusterConfig, Config } from './config.ts';
import type { Machine } from './connection.ts';
import { CONFIG_FILE_NAME, configWithoutFile, parseConfig, unknownCluster, type Selection } from './parse.ts';
import { readingConfig, readOnly } from './reading.ts';

/** Whether a command may change clusters, or only look: then it gets the connections that clusters name for reading. */
export type Access = 'full' | 'reading';

/** Where a command stands: its environment and directory, and what it may do there; all, unless said. */
export interface LoadContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly access?: Access;
}

/**
 * The configuration of the project: dbadmin.yaml of `--config`, or of the working directory or the nearest one above it;
 * without one, a single cluster `main` from `--url`, DATABASE_URL or the PG* variables, and no repositories.
 *
 * `--url` takes the place of the selected cluster's connection. Repositories may also stand in backups/policies.yaml.
 *
 * @throws {DbadminError} `config-invalid` with every problem on a line of its own, `file:line:column: what`;
 * `config-missing` when there is nothing to go by; `usage` when `--cluster` names none.
 */
export async function loadConfig(context: LoadContext, selection: Selection = {}): Promise<Config> {
  const file = findConfigFile(context, selection.config);
  const machine = realMachine(context);
  const config =
    file === undefined
      ? await Promise.resolve(configWithoutFile(machine, selection))
      : parseConfig(file, readConfigFile(file), machine, selection);
  return context.access === 'reading' ? readingConfig(config) : config;
}

/**
 * The cluster called `name`, or the default one: that of `--cluster` if it was given to {@link loadConfig}, else
 * `default_cluster`, else `main`, else the first in the file.
 *
 * @throws {DbadminError} `usage` when there is no such cluster.
 */
export function selectCluster(config: Config, name?: string): ClusterConfig {
  const wanted = name ?? config.defaultCluster;
  const cluster = config.clusters.get(wanted);
  if (cluster !== undefined) return cluster;
  throw unknownCluster(wanted, [...config.clusters.keys()]);
}

/** The connection that a URL and the environment give, without any configuration file. */
export function connectionOfUrl(context: LoadContext, url: string): ConnectionParameters {
  const { connection } = selectCluster(configWithoutFile(realMachine(context), { url }));
  return context.access === 'reading' ? readOnly(connection) : connection;
}

function findConfigFile({ cwd, env }: LoadContext, given: string | undefined): string | undefined {
  const named = given ?? (env['DBADMIN_CONFIG'] === '' ? undefined : env['DBADMIN_CONFIG']);
  if (named !== undefined) return path.resolve(cwd, named);
  for (let directory = path.resolve(cwd); ; directory = path.dirname(directory)) {
    const candidate = path.join(directory, CONFIG_FILE_NAME);
    if (isReadable(candidate)) return candidate;
    if (directory === path.dirname(directory)) return undefined;
  }
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = systemCodeOf(error) === 'ENOENT';
    throw new DbadminError(missing ? 'config-missing' : 'file-unreadable', missing ? `there is no ${file}` : `cannot read ${file}`, {
      ...(missing ? {} : { detail: messageOf(error) }),
      hint: 'Make one with dbadmin init, or name another with --config.',
      cause: error,
    });
  }
}

function realMachine({ env, cwd }: LoadContext): Machine {
  return {
    env,
    cwd,
    homeDirectory: homeDirectory(env),
    userName: systemUserName(env),
    readText: (file) => {
      try {
        return { text: readFileSync(file, 'utf8'), mode: statSync(file).mode };
      } catch (error) {
        if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(systemCodeOf(error) ?? '')) return undefined;
        throw error;
      }
    },
    exists: isReadable,
  };
}

function homeDirectory(env: LoadContext['env']): string {
  try {
    return env['HOME'] ?? os.homedir();
  } catch {
    // As below; what would be looked for there is then looked for in vain.
    return '/nonexistent';
  }
}

function systemUserName(env: LoadContext['env']): string {
  try {
    return os.userInfo().username;
  } catch {
    // A container's user need not be in /etc/passwd.
    return env['USER'] ?? env['LOGNAME'] ?? 'postgres';
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}
