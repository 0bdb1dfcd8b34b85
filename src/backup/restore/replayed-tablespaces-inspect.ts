import { readdir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { decodePath, systemPath } from '../../base/path-bytes.ts';
import type { ControlFile } from '../../postgres/control-file.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { replayedTablespaces } from './made-tablespaces.ts';
import type { LayoutPlan } from './plan.ts';
import type { Resolution } from './resolve.ts';

/** A tablespace of a production that its recovery makes, because the backup is older. */
export interface ReplayedTablespace {
  /** As path-bytes.ts gives it, like the directory. */
  readonly location: string;
  /** Where its files go: the server's own directory in the location, `PG_18_202506291`. */
  readonly directory: string;
  /** Whether the location is there, as recovery demands. */
  readonly isThere: boolean;
  /** Whether files of the cluster that is gone over lie in the directory: they go before anything is laid down. */
  readonly isFilled: boolean;
}

export interface ReplayedTablespacesRequest {
  readonly resolution: Resolution;
  readonly layout: LayoutPlan;
  readonly control: ControlFile;
  /** Whether the restore goes over what is left of the same cluster. */
  readonly isOver: boolean;
}

/**
 * Looks where the recovery of a production will make tablespaces, and refuses where files lie that it would go on with:
 * recovery makes the directory and the relations only where they are not there yet, and takes over what an existing file
 * holds. Files of the lost cluster hold pages of after the moment that is restored.
 *
 * Only what the links of the very cluster that is gone over lead to may be removed: nothing else proves whose it is.
 *
 * @throws {DbadminError} `refused` naming the directory, `file-unreadable`.
 * @see create_tablespace_directories in src/backend/commands/tablespace.c and mdcreate in src/backend/storage/smgr/md.c of PostgreSQL
 */
export async function inspectReplayedTablespaces(request: ReplayedTablespacesRequest): Promise<readonly ReplayedTablespace[]> {
  const { resolution, layout, control, isOver } = request;
  const found = new Map<string, ReplayedTablespace>();
  for (const { lsn, location } of replayedTablespaces(resolution)) {
    // One that the backup has, too, is laid down there itself, and what else lay there is gone over or refused with it.
    const isLaidDown = layout.tablespaces.some(({ directory }) => path.resolve(directory) === location);
    if (isLaidDown || found.has(location)) continue;
    const directory = directoryIn(location, resolution, control);
    const names = await listed(directory);
    const isFilled = names.length > 0;
    if (isFilled && !(isOver && (await isLinked(layout.dataDirectory, location))))
      throw filled({ directory, location, lsn, names }, request);
    const isThere = isFilled || (await stat(systemPath(location)).catch(() => undefined))?.isDirectory() === true;
    found.set(location, { location, directory, isThere, isFilled });
  }
  return [...found.values()];
}

/** The directories that recovery makes, of any tablespace of {@link replayedTablespaces}. */
export function replayedDirectories(resolution: Resolution, control: ControlFile): readonly string[] {
  return replayedTablespaces(resolution).map(({ location }) => directoryIn(location, resolution, control));
}

/** The server's own directory in a location. */
function directoryIn(location: string, { backup }: Resolution, { catalogVersion }: ControlFile): string {
  return path.join(location, `PG_${Math.floor(backup.serverVersion / 10_000)}_${catalogVersion}`);
}

async function isLinked(dataDirectory: string, location: string): Promise<boolean> {
  const links = path.join(dataDirectory, 'pg_tblspc');
  for (const oid of await listed(links)) {
    const leadsTo = await readlink(systemPath(path.join(links, oid)), { encoding: 'buffer' }).catch(() => undefined);
    if (leadsTo !== undefined && decodePath(leadsTo) === location) return true;
  }
  return false;
}

interface Filled {
  readonly directory: string;
  readonly location: string;
  readonly lsn: bigint;
  readonly names: readonly string[];
}

function filled(found: Filled, { resolution, layout, isOver }: ReplayedTablespacesRequest): DbadminError {
  const { lsn, names } = found;
  const [directory, location] = [found.directory.toWellFormed(), found.location.toWellFormed()];
  const { label } = resolution.backup;
  return new DbadminError('refused', `${directory} is not empty, and recovery would go on with the files in it`, {
    detail: `CREATE TABLESPACE ran at ${formatLsn(lsn)}, after the start of backup ${label}: recovery makes the tablespace at ${location} itself, and files that are there (${names.slice(0, 3).join(', ').toWellFormed()}) would bring pages from after the moment that is restored.`,
    hint: isOver
      ? `No link in ${path.join(layout.dataDirectory, 'pg_tblspc')} leads to ${location}, so nothing proves that the files are of this cluster. Move ${directory} away when no server uses it.`
      : `Restore over what is left of the lost cluster with --delta, which removes them; or move ${directory} away when no server uses it.`,
  });
}

async function listed(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(systemPath(directory), { encoding: 'buffer' })).map(decodePath);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unreadable', `cannot look into ${directory.toWellFormed()}`, { detail: messageOf(error), cause: error });
  }
}
