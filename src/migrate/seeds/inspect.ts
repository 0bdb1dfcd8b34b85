import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import { historyTable } from '../history/history.ts';
import { inspectHistoryForm } from '../history/ensure.ts';
import { displayPath, listSql, readSql } from '../inspect.ts';
import type { Queryable } from '../session/session.ts';
import type { SeedFile } from './plan.ts';

export interface SeedDirectories {
  readonly project: string;
  /** Holds one directory for each environment. */
  readonly seeds: string;
}

/**
 * The seeds of an environment, in the order of their names.
 *
 * @throws {DbadminError} `usage` when there is no such directory; `file-unreadable`, `migration-invalid`.
 */
export async function readSeeds(directories: SeedDirectories, environment: string): Promise<readonly SeedFile[]> {
  const known = await readEnvironments(directories.seeds);
  if (!known.includes(environment)) {
    throw new DbadminError('usage', `there are no seeds for "${environment}"${suggestion(environment, known)}`, {
      detail:
        known.length === 0
          ? `There is nothing in ${displayPath(directories, directories.seeds)}.`
          : `There are some for ${known.join(', ')}.`,
      hint: `Put them into ${displayPath(directories, path.join(directories.seeds, environment))}.`,
    });
  }
  const directory = path.join(directories.seeds, environment);
  const files = [...(await listSql(directory, true))].map((file) => file.split(path.sep).join('/')).sort();
  return files.map((file) => {
    const location = path.join(directory, file);
    return { name: `${environment}/${file.slice(0, -'.sql'.length)}`, file: readSql(location, displayPath(directories, location)) };
  });
}

/** The environments that have seeds. */
export async function readEnvironments(seeds: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(seeds, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unreadable', `cannot read ${seeds}`, { detail: messageOf(error), cause: error });
  }
}

/** sha256 of what was put in last, by name; undefined where there is no history. */
export async function readAppliedSeeds(session: Queryable, schema: string): Promise<ReadonlyMap<string, string> | undefined> {
  if ((await inspectHistoryForm(session, schema)) === undefined) return undefined;
  const rows = await session.query<{ name: string; sha256: string }>(
    `select distinct on (name) name, encode(sha256, 'hex') as sha256 from ${historyTable(schema)} as history
     where kind = 'seed' order by name, history.seq desc`,
  );
  return new Map(rows.map(({ name, sha256 }) => [name, sha256]));
}
