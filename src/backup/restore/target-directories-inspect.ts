import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { LineageContents } from '../lineage-inspect.ts';
import { holdsClone } from './clone-inspect.ts';
import { outerDirectoryOf } from './configuration-files.ts';
import { planDelta, type DeltaPlan } from './delta-plan.ts';
import { inspectDeltaTarget, type DeltaTarget } from './delta-inspect.ts';
import { refuseForeignInside } from './foreign-inside.ts';
import { refuseHeld } from './hold-apply.ts';
import { HOLD_NAME, MARKER_NAME, withoutLeavings } from './left-out.ts';
import { readMarker } from './marker.ts';
import type { LayoutPlan } from './plan.ts';
import type { Lineage } from './recover-along.ts';
import { requireRoom, type Room } from './room-inspect.ts';
import { fingerprintOf } from './unchanged-inspect.ts';
import { endOf, innerAsides, inspectUnstoredAside } from './unstored-wal-inspect.ts';
import { lostUntil, type UnstoredAside } from './unstored-wal.ts';

/** What a restore finds where it is to go. */
export type TargetState =
  | { readonly kind: 'empty'; readonly rooms: readonly Room[] }
  | {
      readonly kind: 'over';
      /** The filesystems that it writes to, that of the data directory first. */
      readonly rooms: readonly Room[];
      readonly target: Exclude<DeltaTarget, { kind: 'absent' }>;
      readonly delta: DeltaPlan;
      /** WAL that is in the cluster gone over and not in the repository: moved aside before anything is changed. */
      readonly unstored: UnstoredAside | undefined;
      /** The last checkpoint of the cluster gone over, when the WAL up to there is neither in it nor in the repository. */
      readonly lostUntil: bigint | undefined;
      /** Changes with whatever a server or another restore does there. */
      readonly fingerprint: string;
    };

export interface TargetRequest {
  readonly layout: LayoutPlan;
  readonly contents: LineageContents;
  /** What the restore goes along. */
  readonly along: Lineage;
  /** The directories of tablespaces that recovery makes itself. */
  readonly made: readonly string[];
  /** Bytes that the restore needs besides the backup's: its WAL. */
  readonly extraBytes: number;
  /** Whether it may go over the same cluster's directory. */
  readonly delta: boolean;
  /** Whether whoever asked can say where tablespaces go. */
  readonly mapsTablespaces: boolean;
}

/**
 * Refuses places that hold anything, but for a delta restore, which may go over its own cluster; and a filesystem without room.
 *
 * @throws {DbadminError} `locked` when a restore is at work there; `refused`, `storage-full`, `file-unwritable`.
 */
export async function inspectTarget(request: TargetRequest): Promise<TargetState> {
  const { layout, contents, along, made, extraBytes, delta, mapsTablespaces } = request;
  const { systemIdentifier } = contents.cluster;
  await refuseHeld(layout.dataDirectory);
  const fingerprint = delta ? await fingerprintOf(layout.dataDirectory) : '';
  const target: DeltaTarget = delta ? await inspectDeltaTarget(layout, systemIdentifier, made) : { kind: 'absent' };
  if (target.kind === 'absent') {
    await refuseFilled(layout.dataDirectory, layout);
    for (const { directory } of layout.tablespaces) await refuseFilled(directory, layout);
    await refuseFilled(layout.spoolDirectory, layout);
    await refuseFilled(outerDirectoryOf(layout.dataDirectory), layout);
    return { kind: 'empty', rooms: await requireRoom(layout, extraBytes, new Map(), mapsTablespaces) };
  }
  await refuseForeignSpool(layout);
  const unstored = await inspectUnstoredAside(layout, contents, along, target.kind === 'unfinished' ? target.marker : undefined);
  const checkpoint = target.kind === 'cluster' && !(await holdsClone(layout.dataDirectory, contents)) ? target.checkpoint : undefined;
  const storedLsn = checkpoint && endOf(contents.coverage.timelines.get(checkpoint.timeline));
  const lost = checkpoint && lostUntil(checkpoint, storedLsn, unstored);
  const asides = await innerAsides(layout.dataDirectory);
  const moved = (unstored?.files ?? []).map((name) => `pg_wal/${name}`);
  const plan = planDelta(layout, target.found, [MARKER_NAME, HOLD_NAME, ...asides, ...moved]);
  refuseForeignInside(layout.dataDirectory, target.found, plan.removed);
  const rooms = await requireRoom(layout, extraBytes, plan.foundBytesIn, mapsTablespaces);
  return { kind: 'over', rooms, target, delta: plan, unstored, lostUntil: lost, fingerprint };
}

async function refuseFilled(directory: string, layout: LayoutPlan): Promise<void> {
  const found = await listed(directory);
  const names = directory === layout.dataDirectory ? withoutLeavings(found) : found;
  if (names.length === 0) return;
  // With pg_control it is a cluster, which may have run for years behind a mark that was left.
  const isUnfinished = (await readMarker(layout.dataDirectory)) !== undefined && !(await isCluster(layout.dataDirectory));
  throw new DbadminError('refused', `${directory} is not empty`, {
    detail: `It holds ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}${isUnfinished ? ': a restore that was interrupted' : ''}.`,
    hint: isUnfinished
      ? 'Finish it with the same command and --delta: what is there and right stays.'
      : 'Restore into a directory that is empty or does not exist yet; over a stopped copy of the same cluster, with --delta.',
  });
}

async function isCluster(dataDirectory: string): Promise<boolean> {
  return (await listed(path.join(dataDirectory, 'global'))).includes('pg_control');
}

/** The directory of spooled WAL is emptied by a delta restore, so it must be one. */
async function refuseForeignSpool({ spoolDirectory }: LayoutPlan): Promise<void> {
  const foreign = (await listed(spoolDirectory)).filter((name) => name !== 'wal' && name !== 'absent');
  if (foreign.length === 0) return;
  throw new DbadminError('refused', `${spoolDirectory} is not empty`, {
    detail: `The WAL for the recovery goes there, and it holds ${foreign.slice(0, 3).join(', ')}.`,
    hint: 'Move it away.',
  });
}

async function listed(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unwritable', `cannot restore into ${directory}`, { detail: messageOf(error), cause: error });
  }
}
