import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../../base/errors.ts';
import { segmentName } from '../../postgres/segment.ts';
import { WAL_PAGE_BYTES } from '../../postgres/wal-page.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import { isOfOneObject } from '../../repository/passed-over.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { storedOf, type KnownTimelines } from './known-timelines-inspect.ts';
import { segmentHeader } from './segment-header.ts';

export interface FollowingRequest {
  readonly directory: string;
  readonly cluster: ClusterIdentity;
  readonly coverage: WalCoverage;
  readonly archive: Pick<WalArchive, 'readStored'>;
  readonly known: KnownTimelines;
}

/**
 * The WAL behind a segment that ends at `endLsn`, as far as the record needs it that this end cuts: out of the directory, or, what is
 * not there, out of the repository; of the same timeline, or of one that begins further on. What is stored itself counts, too.
 */
export async function* followingOf(request: FollowingRequest, timeline: number, endLsn: bigint): AsyncGenerator<Uint8Array> {
  const { cluster, known } = request;
  const later = [...known.here.values(), ...known.stored].filter(({ history }) =>
    history.some((each) => each.timeline === timeline && each.switchLsn > endLsn),
  );
  const timelines = new Set([timeline, ...later.map((each) => each.timeline)]);
  for (let startLsn = endLsn; ; startLsn += BigInt(cluster.walSegmentBytes)) {
    const bytes = await readFirstOf(request, timelines, startLsn);
    if (bytes === undefined) return;
    const continued = segmentHeader(bytes, cluster, startLsn)?.continuedBytes ?? 0;
    // A page more, for what takes the place of a record that a crash has cut off; and each taken as holding less than it does.
    const needed = (Math.ceil(continued / (WAL_PAGE_BYTES - 64)) + 1) * WAL_PAGE_BYTES;
    yield bytes.subarray(0, needed);
    if (needed <= cluster.walSegmentBytes) return;
  }
}

async function readFirstOf(
  { directory, cluster, coverage, archive }: FollowingRequest,
  timelines: ReadonlySet<number>,
  startLsn: bigint,
): Promise<Buffer | undefined> {
  for (const timeline of timelines) {
    const name = segmentName(timeline, startLsn, cluster.walSegmentBytes);
    const beside = await readBeside(path.join(directory, name), cluster, startLsn);
    if (beside !== undefined) return beside;
    const isStored = storedOf(coverage.timelines.get(timeline), startLsn, startLsn + 1n) > startLsn;
    const bytes = isStored ? await readStored(archive, name) : undefined;
    if (bytes !== undefined && segmentHeader(bytes, cluster, startLsn) !== undefined) return bytes;
  }
  return undefined;
}

/** Undefined for a file that is not there, that the disk does not give, or that holds something else. */
async function readBeside(file: string, cluster: ClusterIdentity, startLsn: bigint): Promise<Buffer | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      if ((await handle.stat()).size !== cluster.walSegmentBytes) return undefined;
      const page = Buffer.alloc(WAL_PAGE_BYTES);
      await handle.read(page, 0, page.length, 0);
      return segmentHeader(page, cluster, startLsn) === undefined ? undefined : await readFile(file);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Undefined, too, for one that is damaged: a verification says so, and here it only follows. */
async function readStored(archive: FollowingRequest['archive'], name: string): Promise<Buffer | undefined> {
  try {
    return await archive.readStored(name);
  } catch (error) {
    if (!isOfOneObject(error)) throw error;
    return undefined;
  }
}
