import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import type { LayoutPlan } from './plan.ts';
import { placeWithin } from './place-within.ts';

/** A filesystem that a restore writes to. */
export interface Room {
  /** The first of the places that lie on it. */
  readonly directory: string;
  /** All that is laid down there. */
  readonly neededBytes: number;
  readonly freeBytes: number;
}

interface Demand {
  readonly directory: string;
  readonly neededBytes: number;
  /** What is there already and goes or is gone over. */
  readonly foundBytes: number;
}

/**
 * The filesystems that a restore writes to, that of the data directory first: tablespaces may be mapped to other disks, the WAL for
 * the recovery lies beside a data directory that may be a mount point, and `pg_wal` of one that is gone over may lead elsewhere.
 * `foundBytes` are of what is there, by the places of {@link placeWithin}; `mapsTablespaces`, whether whoever asked can say where they go.
 *
 * @throws {DbadminError} `storage-full` naming the first without room.
 */
export async function requireRoom(
  layout: LayoutPlan,
  walBytes: number,
  foundBytes: ReadonlyMap<string, number>,
  mapsTablespaces: boolean,
): Promise<readonly Room[]> {
  const byDevice = new Map<number, { readonly room: Room; readonly newBytes: number }>();
  for (const { directory, ...demand } of demandsOf(layout, walBytes, foundBytes)) {
    const { device, freeBytes } = await filesystemOf(directory);
    const known = byDevice.get(device) ?? { room: { directory, neededBytes: 0, freeBytes }, newBytes: 0 };
    byDevice.set(device, {
      room: { ...known.room, neededBytes: known.room.neededBytes + demand.neededBytes },
      newBytes: known.newBytes + demand.neededBytes - demand.foundBytes,
    });
  }
  for (const { room, newBytes } of byDevice.values()) {
    if (room.freeBytes >= newBytes) continue;
    throw new DbadminError('storage-full', `there is no room for the restore in ${room.directory}`, {
      detail: `It needs ${newBytes} bytes and ${room.freeBytes} are free.`,
      hint: `Free some space or restore elsewhere${layout.tablespaces.length === 0 || !mapsTablespaces ? '' : '; --tablespace-map puts tablespaces on other disks'}.`,
    });
  }
  return [...byDevice.values()].flatMap(({ room }) => (room.neededBytes > 0 ? [room] : []));
}

function demandsOf(layout: LayoutPlan, walBytes: number, foundBytes: ReadonlyMap<string, number>): readonly Demand[] {
  const laid = new Map([['', layout.controlFile.sizeBytes]]);
  for (const { path: relative, sizeBytes } of layout.files) {
    const place = placeWithin(relative);
    laid.set(place, (laid.get(place) ?? 0) + sizeBytes);
  }
  const directoryOf = (place: string): string =>
    layout.tablespaces.find(({ oid }) => place === `pg_tblspc/${oid}`)?.directory ?? path.join(layout.dataDirectory, place);
  const inside = [...new Set([...laid.keys(), ...foundBytes.keys()])].map((place) => ({
    directory: directoryOf(place),
    neededBytes: laid.get(place) ?? 0,
    foundBytes: foundBytes.get(place) ?? 0,
  }));
  return [...inside, { directory: layout.spoolDirectory, neededBytes: walBytes, foundBytes: 0 }];
}

/** The filesystem that a directory is or would be on. */
async function filesystemOf(directory: string): Promise<{ readonly device: number; readonly freeBytes: number }> {
  for (let at = directory; ; at = path.dirname(at)) {
    try {
      const [{ dev }, { bavail, bsize }] = await Promise.all([stat(at), statfs(at)]);
      return { device: dev, freeBytes: bavail * bsize };
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT' || at === path.dirname(at)) throw error;
    }
  }
}
