import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { walFileOf, type WalFile } from '../../postgres/segment.ts';
import { ensureSameSegments, listClusters, type ClusterIdentity } from '../../repository/identity.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive, type WalTimes } from '../../repository/wal-archive.ts';
import type { Source } from '../source-inspect.ts';
import { forEachDestination, type WalDestination } from './destination.ts';
import { finishedAt } from './finished-inspect.ts';
import { putOpen, writtenOfOpen } from './open-segment-run.ts';

/** What the cluster is, as far as WAL must know. */
export type WalOwner = Pick<Source, 'systemIdentifier' | 'serverVersion' | 'walSegmentBytes'>;

export interface PushOptions {
  readonly destinations: readonly WalDestination[];
  readonly clusterName: string;
  /** Asks which cluster the WAL must be of. Only called where neither file nor repository tells. */
  readonly owner: () => Promise<WalOwner>;
  readonly clock: Clock;
  readonly log: Log;
}

const SEGMENT_LIMIT_BYTES = 1024 ** 3;
const SMALL_LIMIT_BYTES = 16 * 1024 * 1024;
const LONG_HEADER_BYTES = 40;

/** Lineages that an open repository was seen to have: they never go or change. */
const ACCEPTED = new WeakMap<Repository, Map<string, AcceptedCluster>>();

type AcceptedCluster = Pick<ClusterIdentity, 'walSegmentBytes' | 'serverVersion'>;

/**
 * Stores a file that the archiver offers; returns once every required repository has it durably. Twice the same is fine.
 *
 * @throws {DbadminError} `wal-conflict` for other content under the name, `wal-invalid` for another cluster's or a wrong
 * size, `wal-name-invalid`, `file-unreadable`, and what the storage says.
 */
export async function pushWalFile(file: string, options: PushOptions): Promise<'stored' | 'present'> {
  const name = path.basename(file);
  const kind = walFileOf(name);
  if (kind === undefined) {
    throw new DbadminError('wal-name-invalid', `"${name}" is not a WAL file`, {
      hint: 'The archiver offers segments, their .partial and .backup companions, and timeline histories: give wal push the %p of archive_command.',
    });
  }
  const isWal = kind.kind === 'segment' || kind.kind === 'partial';
  const { bytes, modifiedAt } = await readWhole(file, isWal ? SEGMENT_LIMIT_BYTES : SMALL_LIMIT_BYTES);
  return await pushWalBytes(name, bytes, options, await momentOf(file, modifiedAt, options.clock));
}

/** Until when a segment has all that its server flushed; undefined of other files, and where that is not known. */
export async function momentOf(file: string, modifiedAt: Date, clock: Clock): Promise<Date | undefined> {
  const kind = walFileOf(path.basename(file));
  return kind?.kind === 'segment'
    ? await finishedAt(file, Number.parseInt(kind.segment.slice(0, 8), 16), modifiedAt, clock.now())
    : undefined;
}

/** The same of content at hand. `coveredUntil`: as {@link momentOf} gives it. */
export async function pushWalBytes(name: string, bytes: Buffer, options: PushOptions, coveredUntil?: Date): Promise<'stored' | 'present'> {
  const kind = walFileOf(name);
  if (kind === undefined) throw new DbadminError('wal-name-invalid', `"${name}" is not a WAL file`);
  const systemIdentifier =
    kind.kind === 'segment' || kind.kind === 'partial' ? claimedOwner(name, bytes) : (await options.owner()).systemIdentifier;
  const results = await forEachDestination(options.destinations, options.log, async (repository) => {
    const cluster = await acceptCluster(repository, systemIdentifier, name, options);
    const archive = new WalArchive(repository, systemIdentifier, cluster.walSegmentBytes);
    const times = { receivedAt: options.clock.now(), coveredUntil };
    const written = kind.kind === 'segment' ? await writtenOfOpen(kind.segment, bytes, cluster) : undefined;
    if (kind.kind === 'segment' && written !== undefined) return await putOpen(archive, kind.segment, written, times);
    return await putFile(archive, kind, name, bytes, times, options.log);
  });
  return results.includes('stored') ? 'stored' : 'present';
}

async function putFile(
  archive: WalArchive,
  kind: WalFile,
  name: string,
  bytes: Buffer,
  times: WalTimes,
  log: Log,
): Promise<'stored' | 'present'> {
  switch (kind.kind) {
    case 'segment': {
      const result = await archive.putSegment(kind.segment, bytes, times);
      // Whoever stored it before has dropped them.
      if (result === 'stored') await archive.dropParts(kind.segment);
      return result;
    }
    case 'partial':
      return await putPartial(archive, kind.segment, bytes, times, log);
    case 'history':
      return await archive.putHistory(kind.timeline, bytes);
    case 'backup-history':
      return await archive.putBackupHistory(name, bytes);
    default:
      return kind satisfies never;
  }
}

/**
 * Two servers promoted off one timeline leave one segment of it unfinished, each in its own way, under one name. The first is kept, and the
 * second must not stand in the way of all that its server archives after it: what it replayed of the segment begins that of its own timeline.
 */
async function putPartial(archive: WalArchive, segment: string, bytes: Buffer, times: WalTimes, log: Log): Promise<'stored' | 'present'> {
  try {
    return await archive.putPartial(segment, bytes, times);
  } catch (error) {
    if (!isDbadminError(error, 'wal-conflict')) throw error;
    log.warn(
      `${segment}.partial of another server that left the timeline is in the archive and was kept; the segment in which this server's own timeline begins has the WAL of this one, too`,
    );
    return 'present';
  }
}

/** The system identifier in the first page. What else stands there is checked where it is stored. */
function claimedOwner(name: string, bytes: Buffer): string {
  if (bytes.byteLength < LONG_HEADER_BYTES) {
    throw new DbadminError('wal-invalid', `WAL segment ${name} is not what its name says`, { detail: `It has ${bytes.byteLength} bytes.` });
  }
  return bytes.readBigUInt64LE(24).toString();
}

/**
 * The lineage of the WAL in this repository, begun when it is the configured cluster's first.
 *
 * @throws {DbadminError} `wal-invalid` when it is another cluster's.
 */
async function acceptCluster(
  repository: Repository,
  systemIdentifier: string,
  name: string,
  options: PushOptions,
): Promise<AcceptedCluster> {
  const accepted = ACCEPTED.get(repository) ?? new Map<string, AcceptedCluster>();
  ACCEPTED.set(repository, accepted);
  const key = `${options.clusterName} ${systemIdentifier}`;
  const cluster = accepted.get(key) ?? (await findOrBegin(repository, systemIdentifier, name, options));
  accepted.set(key, cluster);
  return cluster;
}

async function findOrBegin(repository: Repository, systemIdentifier: string, name: string, options: PushOptions): Promise<AcceptedCluster> {
  const known = (await listClusters(repository)).find((each) => each.systemIdentifier === systemIdentifier);
  if (known?.name === options.clusterName) return known;
  const owner = await options.owner();
  if (owner.systemIdentifier !== systemIdentifier) {
    throw new DbadminError('wal-invalid', `${name} is not WAL of cluster ${options.clusterName}`, {
      detail: `It belongs to the cluster with system identifier ${systemIdentifier}, and ${options.clusterName} has ${owner.systemIdentifier}.`,
      hint: 'Check --config and --cluster in archive_command: each cluster needs its own.',
    });
  }
  await ensureSameSegments(repository, { ...owner, name: options.clusterName });
  return owner;
}

async function readWhole(file: string, limitBytes: number): Promise<{ readonly bytes: Buffer; readonly modifiedAt: Date }> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size, mtime: modifiedAt } = await handle.stat();
      if (size > limitBytes) throw new DbadminError('wal-invalid', `${file} has ${size} bytes, too many for a WAL file`);
      return { bytes: await readAtOnce(handle, size), modifiedAt };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
}

/** One read for the whole file: readFile goes through the thread pool for every half megabyte. Into `memory` when it is large enough. */
export async function readAtOnce(handle: FileHandle, sizeBytes: number, memory?: Buffer): Promise<Buffer> {
  const bytes = memory !== undefined && memory.byteLength >= sizeBytes ? memory.subarray(0, sizeBytes) : Buffer.allocUnsafeSlow(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const { bytesRead } = await handle.read(bytes, filled, sizeBytes - filled, filled);
    if (bytesRead === 0) throw new DbadminError('file-unreadable', 'the file became shorter while it was read');
    filled += bytesRead;
  }
  return bytes;
}
