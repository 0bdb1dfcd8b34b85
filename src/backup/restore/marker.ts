import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../../base/errors.ts';
import type { SystemUser } from '../../postgres/server.ts';
import { makeDirectory, writeText } from './lay-down-apply.ts';
import { MARKER_NAME, UNFINISHED_MARKER } from './left-out.ts';
import type { LayoutPlan } from './plan.ts';

/** What an unfinished restore left word of: with it, and only with it, a directory without pg_control may be gone on with. */
export interface RestoreMarker {
  readonly systemIdentifier: string;
  readonly backup: string;
  /** Directories outside of the data directory that it fills. */
  readonly tablespaces: readonly string[];
  readonly spoolDirectory: string;
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
    Array.isArray(marker.tablespaces)
  );
}

/** Makes names that were added to or taken from a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
