import { formatLsn } from '../../postgres/lsn.ts';
import { historyName } from '../../postgres/segment.ts';
import type { TimelineHistory } from '../../postgres/timeline.ts';
import { listGaps, type RecordedGap } from '../../repository/gap-record.ts';
import { walPrefix } from '../../repository/layout.ts';
import { readLetGo, type LetGo } from '../../repository/let-go.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import { readCoverage, type WalCoverage } from '../../repository/wal-coverage.ts';
import { walObject } from '../../repository/wal-object.ts';
import type { StoredObject } from '../../storage/store.ts';
import { verifySealed } from './sealed-inspect.ts';
import { asFault, inParallel, isRead, NO_SUCH_NAME, type VerifyTask } from './task.ts';

const AT_ONCE = 2;
/** The header alone of a segment or part is longer: what has fewer bytes is cut short. */
const SURELY_READ_BYTES = 256;
/** Larger segments are read one at a time: each is in memory whole. */
const LARGE_SEGMENT_BYTES = 64 * 1024 * 1024;

export interface WalFindings {
  /** By names alone. */
  readonly coverage: WalCoverage;
  readonly histories: ReadonlyMap<number, TimelineHistory>;
  /** WAL that is known to be lost. */
  readonly recordedGaps: readonly RecordedGap[];
  readonly letGo: LetGo;
}

/** Checks the WAL of a lineage: history files all there and readable, segments and parts as far as content is to be read. */
export async function verifyWal(task: VerifyTask, segmentBytes: number): Promise<WalFindings> {
  const archive = new WalArchive(task.repository, task.systemIdentifier, segmentBytes);
  const atOnce = segmentBytes > LARGE_SEGMENT_BYTES ? 1 : AT_ONCE;
  await inParallel(task.repository.store.list(walPrefix(task.systemIdentifier)), atOnce, async (object) => {
    task.tally.objects += 1;
    await verifyOne(task, archive, object);
  });
  const coverage = await readCoverage(task.repository, task.systemIdentifier, segmentBytes);
  const histories = await readHistories(task, archive, coverage);
  requireHistories(task, coverage, histories);
  // A damaged record is reported where all small objects are checked.
  const { store, keys } = task.repository;
  const recordedGaps = await listGaps({ store, keys }, task.systemIdentifier);
  const letGo = await readLetGo({ store, keys }, task.systemIdentifier);
  return { coverage, histories, recordedGaps, letGo };
}

async function verifyOne(task: VerifyTask, archive: WalArchive, object: StoredObject): Promise<void> {
  const { key, sizeBytes } = object;
  const found = walObject(task.systemIdentifier, key, archive.segmentBytes);
  if (found === undefined) {
    task.faults.add({ kind: 'damaged', object: key, detail: NO_SUCH_NAME });
    return;
  }
  if (found.kind !== 'segment' && found.kind !== 'part') {
    await verifySealed(task, object, found.kind === 'beside' ? undefined : found.kind);
    return;
  }
  task.tally.segments += 1;
  const name = key.slice(key.lastIndexOf('/') + 1);
  if (!isRead(task, key, name) && sizeBytes > SURELY_READ_BYTES) return;
  const failure = await asFault(task, key, async () => {
    if (found.kind === 'part') await archive.readPart(key);
    // The archive checks more than the envelope: that the first page is of this cluster and of this position.
    else await archive.checkSegment(name);
  });
  if (failure !== undefined) task.faults.segments.add(found.segment);
  task.tally.readBytes += sizeBytes;
  task.onRead(sizeBytes);
}

async function readHistories(task: VerifyTask, archive: WalArchive, coverage: WalCoverage): Promise<ReadonlyMap<number, TimelineHistory>> {
  const histories = new Map<number, TimelineHistory>();
  for (const timeline of coverage.histories) {
    const key = `${walPrefix(task.systemIdentifier)}${historyName(timeline)}`;
    if (task.faults.kept.some(({ object }) => object === key)) continue;
    await asFault(task, key, async () => {
      const history = await archive.readAncestors(timeline);
      if (history !== undefined) histories.set(timeline, history);
    });
  }
  return histories;
}

/** Recovery looks for the history of every timeline on its way; without one it silently follows another. */
function requireHistories(task: VerifyTask, coverage: WalCoverage, histories: ReadonlyMap<number, TimelineHistory>): void {
  const wanted = new Map<number, string>();
  for (const timeline of coverage.timelines.keys()) if (timeline > 1) wanted.set(timeline, 'there is WAL of that timeline');
  for (const [timeline, history] of histories) {
    for (const ancestor of history) {
      if (ancestor.timeline > 1) wanted.set(ancestor.timeline, `timeline ${timeline} came from it at ${formatLsn(ancestor.switchLsn)}`);
    }
  }
  for (const [timeline, why] of wanted) {
    if (coverage.histories.has(timeline)) continue;
    const object = `${walPrefix(task.systemIdentifier)}${historyName(timeline)}`;
    task.faults.add({ kind: 'missing', object, detail: `The timeline's history is not there, and ${why}.` });
  }
}
