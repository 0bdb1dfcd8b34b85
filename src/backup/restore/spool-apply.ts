import path from 'node:path';
import { historyName, segmentName } from '../../postgres/segment.ts';
import type { SystemUser } from '../../postgres/server.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { makeDirectory, writeText } from './lay-down-apply.ts';
import type { Lineage } from './recover-along.ts';
import { readSegments, type SourceSegment } from './wal-source.ts';

const TAKEN = '# The history of this timeline could not be read from the repository.\n';

export interface SpoolOptions {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly archive: WalArchive;
  readonly coverage: WalCoverage;
  readonly lineage: Lineage;
  readonly fromLsn: bigint;
  readonly untilLsn: bigint;
  /** Whether recovery may run to the end of the WAL: then the segment after the last is known to be absent. */
  readonly toEndOfWal: boolean;
  /** Whether nothing from `untilLsn` on may come along: what was stored since the plan has not been looked at. */
  readonly cutsAtEnd: boolean;
  readonly owner: SystemUser | undefined;
  readonly signal: AbortSignal;
  readonly onSegment: (done: number, total: number) => void;
}

/**
 * Puts the WAL that a recovery needs into plain files: `wal/` what there is, `absent/` an empty file for each name that
 * recovery will ask for and that is not on its way. A name in neither ends recovery with an error, never a promotion.
 *
 * @throws {DbadminError} `wal-missing`, `repository-damaged`, `storage-full`.
 */
export async function spoolWal(options: SpoolOptions): Promise<void> {
  const { directory, archive, owner } = options;
  const wal = path.join(directory, 'wal');
  const absent = path.join(directory, 'absent');
  for (const each of [directory, wal, absent]) await makeDirectory(each, 0o700, owner);
  const size = BigInt(archive.segmentBytes);
  const total = Number((options.untilLsn - 1n) / size - options.fromLsn / size + 1n);
  let done = 0;
  let lastStart = options.fromLsn - (options.fromLsn % size);
  for await (const segment of readSegments(archive, options.lineage, options.fromLsn, options.untilLsn)) {
    options.signal.throwIfAborted();
    const bytes = options.cutsAtEnd ? cutAt(segment, options.untilLsn) : segment.bytes;
    await writeText(path.join(wal, segment.name), bytes, owner);
    await keepForPrepared(options, { ...segment, bytes });
    lastStart = segment.startLsn;
    done += 1;
    options.onSegment(done, total);
  }
  // Where the last segment ends with its timeline, the server asks for the next one of that as well, abandoned as it is.
  const lineage = [...options.lineage.history, options.lineage];
  for (const { timeline } of options.toEndOfWal ? lineage : [])
    await writeText(path.join(absent, segmentName(timeline, lastStart + size, archive.segmentBytes)), '', owner);
  await spoolHistories(options, wal, absent);
}

/** All that any stored history names: of a timeline that is gone, WAL and history, a later one may still tell. */
async function ancestorsIn(archive: WalArchive, { histories }: WalCoverage): Promise<ReadonlySet<number>> {
  const named = new Set<number>();
  for (const each of histories) for (const { timeline } of (await archive.readAncestorsOrNone(each)) ?? []) named.add(timeline);
  return named;
}

/** A segment as it was when nothing was stored from `untilLsn` on: zeros there, as in one that is still open. */
function cutAt({ startLsn, bytes }: SourceSegment, untilLsn: bigint): Buffer {
  if (startLsn + BigInt(bytes.byteLength) <= untilLsn) return bytes;
  const cut = Buffer.alloc(bytes.byteLength);
  bytes.copy(cut, 0, 0, Number(untilLsn - startLsn));
  return cut;
}

/**
 * Where a timeline was left within a segment, recovery takes that segment of the next one. A server that meets a transaction
 * prepared before and still open reads it again under the old name, from pg_wal alone, and would end there with "has already
 * been removed". Up to where the timeline was left the bytes are the same, and behind that they are of the next one: they would be
 * taken for commits of this one. The mark keeps a production from archiving them under that name.
 *
 * @see XlogReadTwoPhaseData in src/backend/access/transam/twophase.c of PostgreSQL
 */
async function keepForPrepared({ dataDirectory, archive, lineage, owner }: SpoolOptions, segment: SourceSegment): Promise<void> {
  const endLsn = segment.startLsn + BigInt(archive.segmentBytes);
  for (const { timeline, switchLsn } of lineage.history) {
    const name = segmentName(timeline, segment.startLsn, archive.segmentBytes);
    if (switchLsn <= segment.startLsn || switchLsn >= endLsn || name === segment.name) continue;
    const directory = path.join(dataDirectory, 'pg_wal');
    await makeDirectory(path.join(directory, 'archive_status'), 0o700, owner);
    await writeText(path.join(directory, name), cutAt(segment, switchLsn), owner);
    await writeText(path.join(directory, 'archive_status', `${name}.done`), '', owner);
  }
}

/**
 * The stored history files that can be read, and absent those of earlier timelines that cannot: recovery goes by that of its own. A
 * promotion picks the first later timeline without a file, which is to be one that nobody has: of those before that, the name is enough.
 *
 * @see findNewestTimeLine and existsTimeLineHistory in src/backend/access/transam/timeline.c of PostgreSQL
 */
async function spoolHistories(options: SpoolOptions, wal: string, absent: string): Promise<void> {
  const { archive, lineage, owner, coverage } = options;
  const named = await ancestorsIn(archive, coverage);
  const isUsed = (timeline: number): boolean => coverage.histories.has(timeline) || coverage.timelines.has(timeline) || named.has(timeline);
  for (let timeline = 1; ; timeline += 1) {
    const isOwn = timeline === lineage.timeline;
    const stored = isOwn ? await archive.readHistory(timeline) : await archive.readHistoryOrNone(timeline);
    const content = stored ?? (timeline > lineage.timeline && isUsed(timeline) ? TAKEN : undefined);
    if (content === undefined) await writeText(path.join(absent, historyName(timeline)), '', owner);
    else await writeText(path.join(wal, historyName(timeline)), content, owner);
    // It asks for none behind that, and the highest there is may be a number that somebody put there.
    if (timeline > lineage.timeline && content === undefined) return;
  }
}
