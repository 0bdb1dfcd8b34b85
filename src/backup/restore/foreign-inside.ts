import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { IDENTITY_KEY } from '../../repository/layout.ts';
import type { FoundEntry } from './delta-plan.ts';

/**
 * Refuses a directory in which something lies that a restore over it would delete and nobody can have meant: a repository, perhaps the one that
 * is restored from (a container has one volume), or the data directory of another cluster.
 *
 * @throws {DbadminError} `refused` naming it.
 */
export function refuseForeignInside(dataDirectory: string, found: Iterable<FoundEntry>, removed: Iterable<FoundEntry>): void {
  // Also where the backup has it: all that was stored since goes.
  for (const entry of found)
    if (entry.type === 'file' && path.posix.basename(entry.path) === IDENTITY_KEY) throw refusal(dataDirectory, entry, 'a repository');
  for (const entry of removed)
    if (entry.type === 'file' && entry.path.endsWith('/global/pg_control'))
      throw refusal(dataDirectory, { path: path.posix.dirname(entry.path) }, 'the data directory of another cluster');
}

function refusal(dataDirectory: string, { path: inside }: Pick<FoundEntry, 'path'>, what: string): DbadminError {
  const directory = path.join(dataDirectory, path.posix.dirname(inside));
  return new DbadminError('refused', `${dataDirectory} has ${what} in it: ${directory.toWellFormed()}`, {
    detail: 'A restore over a data directory deletes what does not belong to the cluster.',
    hint: `Nothing was touched. Move ${directory.toWellFormed()} out of it${what === 'a repository' ? ', and correct its path in the configuration' : ''}; or restore into another directory.`,
  });
}
