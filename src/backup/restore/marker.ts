import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { systemPath } from '../../base/path-bytes.ts';
import type { SystemUser } from '../../postgres/server.ts';
import { makeDirectory, writeText } from './lay-down-apply.ts';
import { MARKER_NAME, UNFINISHED_MARKER } from './left-out.ts';
import type { LayoutPlan } from './plan.ts';

/** What an unfinished restore left word of: with it, and only with it, a directory without pg_control may be gone on with. */
export interface RestoreMarker {
  /** Of one restore; marks of before have none. */
  readonly id?: string;
  readonly systemIdentifier: string;
  readonly backup: string;
  /** Directories outside of the data directory that it fills. */
  readonly tablespaces: readonly string[];
  readonly spoolDirectory: string;
  /** It went over a cluster, whose files were there in full; absent where it began with nothing. */
  readonly overCluster?: boolean;
  /** Where it moves WAL of that cluster to. Whoever finishes it goes on there: parted, that WAL is of no use. */
  readonly walAside?: string;
}

/** Says in the directory that a restore has begun there. */
export async function placeMarker(layout: LayoutPlan, marker: RestoreMarker, owner: SystemUser | undefined): Promise<void> {
  await makeDirectory(layout.dataDirectory, 0o700, owner);
  const file = path.join(layout.dataDirectory, MARKER_NAME);
  // Beside, since one of an earlier attempt may be there, and without any nothing can be gone on with.
  const unfinished = path.join(layout.dataDirectory, UNFINISHED_MARKER);
  await writeText(unfinished, `${JSON.stringify(marker)}\n`, owner);
  await rename(unfinished, file);
  await syncDirectory(layout.dataDirectory);
}

/**
 * Refuses when the mark is not one's own any more: another restore has begun in the directory, one that the hold did not keep away.
 *
 * @throws {DbadminError} `refused`.
 */
export async function refuseOtherMarker(dataDirectory: string, id: string): Promise<void> {
  if ((await readMarker(dataDirectory))?.id === id) return;
  throw new DbadminError('refused', `another restore has begun in ${dataDirectory} meanwhile`, {
    detail: `${MARKER_NAME} is not the one of this restore any more, so that files of both may lie there. This one has written no global/pg_control.`,
    hint: 'When no restore is at work there any more, on any host, finish it with --delta.',
  });
}

/** Takes the word back: the restore is complete. */
export async function removeMarker(dataDirectory: string): Promise<void> {
  await rm(path.join(dataDirectory, MARKER_NAME), { force: true });
  await syncDirectory(dataDirectory);
}

/** The marker of an unfinished restore in a directory, or undefined when there is none that can be read. */
export async function readMarker(dataDirectory: string): Promise<RestoreMarker | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path.join(dataDirectory, MARKER_NAME), 'utf8'));
    return isMarker(value) ? value : undefined;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isMarker(value: unknown): value is RestoreMarker {
  const marker = value as Partial<RestoreMarker> | null;
  return (
    typeof marker?.systemIdentifier === 'string' &&
    typeof marker.backup === 'string' &&
    typeof marker.spoolDirectory === 'string' &&
    (marker.walAside === undefined || typeof marker.walAside === 'string') &&
    Array.isArray(marker.tablespaces)
  );
}

/** Makes names that were added to or taken from a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(systemPath(directory), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
