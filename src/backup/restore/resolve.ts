import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { segmentName } from '../../postgres/segment.ts';
import { timelineOfLsn } from '../../postgres/timeline.ts';
import type { TransactionEnd } from '../../postgres/wal-records.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { CHECKPOINT_BEGINS_MS, restorableFrom } from '../restorable-from.ts';
import { candidatesOf, oldestOfStretches, type Candidate } from './candidates.ts';
import {
  checkpointTime,
  isCommit,
  lastRecordBefore,
  readEnds,
  surroundings,
  type CommitMark,
  type Surroundings,
} from './commits-inspect.ts';
import { hadSwitched, inspectLeftCommits, type LeftCommits } from './left-commits-inspect.ts';
import { lineagesWith } from './left-records-inspect.ts';
import type { Lineage } from './recover-along.ts';
import type { RecoveryEnd } from './recovery-settings.ts';
import { formatMomentUs, targetUs, type RestoreTarget } from './target.ts';
import { beyondTheWal, LeftBehind, onAnotherTimeline, severalOfOneName, unreachable } from './unreachable.ts';

export type { CommitMark } from './commits-inspect.ts';

/** A target that can be reached, and how; with the last commit that comes back and the first that does not, where the stored WAL shows them. */
export interface Resolution extends Surroundings {
  readonly backup: BackupSummary;
  readonly end: RecoveryEnd;
  /** WAL before this position is needed. */
  readonly neededUntil: bigint;
  /** WAL before this position is there. */
  readonly availableUntil: bigint;
  /** Commits up to the moment asked for that do not come back, since they lie on branches that the lineage left. */
  readonly left: readonly LeftCommits[];
}

export interface ResolveInput {
  readonly target: RestoreTarget;
  readonly exclusive: boolean;
  readonly backups: readonly BackupSummary[];
  readonly lineage: Lineage;
  /** Whether somebody chose the lineage, knowing what others have. */
  readonly isChosen: boolean;
  /** The other lineages of which WAL is stored. */
  readonly others: () => Promise<readonly Lineage[]>;
  readonly coverage: WalCoverage;
  readonly archive: WalArchive;
  /** Where recovery from a backup stops when it is told to as soon as the cluster is consistent. Reads the backup. */
  readonly consistentLsn: (backup: BackupSummary) => Promise<bigint>;
  /** Everything before `lsn` was here at `at`, by the server's clock: the newest such knowledge. */
  readonly horizon: Covered | undefined;
  /** The same as an earlier version noted it, which is no proof. */
  readonly unprovenHorizon?: Covered | undefined;
  /** More of such knowledge, from the headers of segments and parts: asked for where the horizon does not reach. */
  readonly moments: () => Promise<readonly Covered[]>;
}

interface Covered {
  readonly lsn: bigint;
  readonly at: Date;
}

/**
 * Finds the backup and the position that give the target, by reading the stored WAL; or refuses, saying what is nearest.
 *
 * A time becomes the last commit before the first later one in WAL order: commit times are not monotonic, WAL order is.
 * One at which another timeline went on, that the lineage has left since, is refused unless the lineage was chosen.
 *
 * @throws {DbadminError} `target-unreachable`, `backup-missing`, `wal-missing`, `wal-invalid` where WAL breaks off on the way.
 */
export async function resolveTarget(input: ResolveInput): Promise<Resolution> {
  const candidates = candidatesOf(input.backups, input.lineage, input.coverage);
  const { target } = input;
  const [newest] = candidates;
  if (newest === undefined) {
    throw new DbadminError('backup-missing', `no backup can be restored along timeline ${input.lineage.timeline}`, {
      detail:
        input.backups.length === 0
          ? 'The repository holds no backup of this cluster.'
          : `${input.backups.length} backups are there; none has its own WAL complete and leads to that timeline.`,
      hint: 'Take one with dbadmin backup run, or see dbadmin backup info.',
    });
  }
  switch (target.kind) {
    case 'latest': {
      // Read to its end: where valid WAL broke off on the way, recovery would take that for the end, silently.
      const around = await surroundings(input, newest, () => false);
      return { ...reached(newest, { kind: 'end-of-wal' }, newest.reach), ...around };
    }
    case 'immediate': {
      const end = await consistentEnd(input, newest);
      const around = await surroundings(input, newest, ({ lsn }) => lsn >= end.lsn);
      return { ...reached(newest, end, newest.stopLsn), ...around };
    }
    case 'lsn':
      return await byPosition(input, candidates, target.lsn);
    case 'time':
      return await byTime(input, candidates, targetUs(target));
    case 'xid':
      return await byRecord(input, candidates, `transaction ${target.xid}`, (end) => endsTransaction(end, BigInt(target.xid)));
    case 'name':
      return await byName(input, candidates, target.name);
  }
}

function reached(candidate: Candidate, end: RecoveryEnd, neededUntil: bigint): Omit<Resolution, keyof Surroundings> {
  return { backup: candidate.backup, end, neededUntil, availableUntil: candidate.reach, left: [] };
}

/** As the server understands a position: what begins before it, and unless it is exclusive the first record from it on. */
async function byPosition(input: ResolveInput, candidates: readonly Candidate[], lsn: bigint): Promise<Resolution> {
  const what = `position ${formatLsn(lsn)}`;
  const candidate = candidates.find(({ stopLsn, reach }) => stopLsn <= lsn && lsn <= reach);
  if (candidate === undefined) throw unreachable(what, candidates);
  const { at, before, validUntil } = await lastRecordBefore(input, candidate, lsn);
  if (at === undefined) {
    // Nothing begins there or later. A server would wait for it; all that is before the position is all that is there.
    if (before === undefined || lsn > validUntil) throw unreachable(what, candidates, validUntil);
    const around = await surroundings(input, candidate, () => false);
    // Recovery begins behind a checkpoint that is where the backup begins, as in consistentEnd.
    const end: RecoveryEnd = before.lsn > candidate.startLsn ? { kind: 'lsn', lsn: before.lsn, inclusive: true } : { kind: 'end-of-wal' };
    return { ...reached(candidate, end, candidate.reach), ...around };
  }
  const inclusive = !input.exclusive;
  const around = await surroundings(input, candidate, (end) => (inclusive ? end.lsn > at.lsn : end.lsn >= at.lsn));
  return { ...reached(candidate, { kind: 'lsn', lsn, inclusive }, at.endLsn), ...around };
}

/** `atUs` is in microseconds since 1970. Exclusive leaves out what was committed in that very microsecond. */
async function byTime(input: ResolveInput, candidates: readonly Candidate[], atUs: bigint): Promise<Resolution> {
  const untilUs = input.exclusive ? atUs - 1n : atUs;
  const asked = formatMomentUs(atUs);
  for (const candidate of candidates) {
    const around = await surroundings(input, candidate, (end) => end.time > untilUs);
    const { before, after } = around;
    const holdsLater = after !== undefined && after.lsn < candidate.stopLsn;
    if (holdsLater || (before === undefined && !(await beginsBefore(input, candidate, untilUs)))) continue;
    const request = { ...input, candidate, untilUs, around };
    const left = await inspectLeftCommits(request);
    const [newest] = left;
    if (newest !== undefined && !input.isChosen && !(await hadSwitched(request)))
      throw new LeftBehind(asked, input.lineage, before, [newest, ...left.slice(1)]);
    if (after === undefined) await requireCovered(input, candidates, candidate, atUs, before);
    const end = await endAfter(input, candidate, before);
    return { ...reached(candidate, end, end.kind === 'lsn' && before !== undefined ? before.endLsn : candidate.stopLsn), left, ...around };
  }
  throw unreachable(asked, candidates);
}

/**
 * Whether a backup without a commit up to the moment in its WAL began before it: else commits after the moment may be in its files. Its
 * times are of the tool's clock, and the moment is of the server's. Where the WAL shows that the tool's was behind, the WAL decides.
 */
async function beginsBefore(input: ResolveInput, candidate: Candidate, untilUs: bigint): Promise<boolean> {
  const { backup } = candidate;
  const finishedAt = new Date(backup.finishedAt);
  if (untilUs < usOf(finishedAt)) return false;
  // The checkpoint that it knows is the one that it starts from, or a later one.
  if (backup.checkpointAt !== undefined && untilUs >= usOf(restorableFrom(backup))) return true;
  const checkpointAt = await checkpointTime(input, candidate);
  return checkpointAt === undefined || finishedAt >= checkpointAt || untilUs >= usOf(checkpointAt) + BigInt(CHECKPOINT_BEGINS_MS) * 1000n;
}

/** Recovery stops nowhere before the cluster is consistent; what it comes by until then is what the files of the backup are of. */
async function endAfter(input: ResolveInput, candidate: Candidate, last: CommitMark | undefined): Promise<RecoveryEnd> {
  const atCommit = (lsn: bigint): RecoveryEnd => ({ kind: 'lsn', lsn, inclusive: true });
  if (last !== undefined && last.lsn >= candidate.stopLsn) return atCommit(last.lsn);
  const end = await consistentEnd(input, candidate);
  return last !== undefined && last.lsn >= end.lsn ? atCommit(last.lsn) : end;
}

/**
 * Where the cluster is consistent. A primary ends a backup with a switch to the next segment; a standby wherever its replay has come to, and behind
 * that, or behind a switch, there may be nothing that is stored, or that comes along. Backups of before it was kept do not say whose they are.
 *
 * That of a standby whose primary was shut down may begin and end with the checkpoint of that. Recovery begins behind it, and where nothing is there
 * it comes to no target: without one it ends there.
 */
async function consistentEnd(input: ResolveInput, candidate: Candidate): Promise<RecoveryEnd & { readonly lsn: bigint }> {
  const { backup, startLsn, stopLsn } = candidate;
  const lsn = await input.consistentLsn(backup);
  const size = BigInt(input.archive.segmentBytes);
  if (backup.fromStandby === false && lsn % size !== 0n) return { kind: 'immediate', lsn };
  const { at, before } = await lastRecordBefore(input, candidate, lsn > startLsn ? lsn : startLsn + 1n);
  const untilLsn = ((stopLsn - 1n) / size + 1n) * size;
  if ((at !== undefined && at.endLsn <= untilLsn) || before === undefined) return { kind: 'immediate', lsn };
  return before.lsn > startLsn ? { kind: 'immediate', lsn, last: before.lsn } : { kind: 'end-of-wal', lsn };
}

/**
 * With no later commit in the WAL, only who received it can tell that nothing is missing up to the moment: what `backup info` offers. Up to the
 * last commit's own time it tells that itself, since a transaction takes its time before it writes its record.
 */
async function requireCovered(
  input: ResolveInput,
  candidates: readonly Candidate[],
  candidate: Candidate,
  atUs: bigint,
  before: Surroundings['before'],
): Promise<void> {
  if (before !== undefined && before.timeUs >= atUs) return;
  // One from behind a gap tells nothing of what is before it.
  const until = (found: readonly Covered[]): readonly bigint[] =>
    found.flatMap((each) => (each.lsn <= candidate.reach ? [usOf(each.at)] : []));
  const horizon = input.horizon === undefined ? [] : until([input.horizon]);
  if (horizon.some((moment) => moment >= atUs)) return;
  const covered = [...horizon, ...until(await input.moments())];
  if (covered.some((moment) => moment >= atUs)) return;
  const known = [...(before === undefined ? [] : [before.timeUs]), ...covered];
  const { lineage, coverage, unprovenHorizon } = input;
  const { reach } = candidate;
  const claims = unprovenHorizon !== undefined && usOf(unprovenHorizon.at) >= atUs && unprovenHorizon.lsn <= reach;
  const isGap = candidates.some((each) => each.reach > reach);
  const missing = isGap ? segmentName(timelineOfLsn(lineage.timeline, lineage.history, reach), reach, coverage.segmentBytes) : undefined;
  const next = candidates.findLast((each) => each.startLsn > reach);
  throw beyondTheWal(formatMomentUs(atUs), {
    reach,
    knownUs: known.reduce<bigint | undefined>((last, moment) => (last === undefined || moment > last ? moment : last), undefined),
    claimed: claims ? unprovenHorizon.at : undefined,
    missing,
    next: next && restorableFrom(next.backup),
  });
}

function usOf(moment: Date): bigint {
  return BigInt(moment.getTime()) * 1000n;
}

/** With an epoch, the transaction of exactly that epoch, where the WAL tells it; without, as `xmin` shows it. A subtransaction ends with its parent. */
function endsTransaction(end: TransactionEnd, wanted: bigint): boolean {
  if (end.kind === 'restore-point') return false;
  const low = Number(wanted & 0xffff_ffffn);
  if (end.xid !== low && !end.subtransactions.includes(low)) return false;
  return wanted >> 32n === 0n || end.fullXid === undefined || end.fullXid >> 32n === wanted >> 32n;
}

async function byRecord(
  input: ResolveInput,
  candidates: readonly Candidate[],
  what: string,
  isWanted: (end: TransactionEnd) => boolean,
): Promise<Resolution> {
  for (const oldest of oldestOfStretches(candidates)) {
    for await (const end of readEnds(input, oldest)) if (isWanted(end)) return await atRecord(input, candidates, what, end);
  }
  throw await absent(input, candidates, what, isWanted);
}

/** Said of what another timeline has: it can be reached. */
async function absent(
  input: ResolveInput,
  candidates: readonly Candidate[],
  what: string,
  isWanted: (end: TransactionEnd) => boolean,
): Promise<DbadminError> {
  const [first, ...others] = await lineagesWith(input, isWanted);
  return first === undefined ? unreachable(what, candidates) : onAnotherTimeline(what, input.lineage, [first, ...others]);
}

/** A restore point must be the only one of its name: of several, nobody knows which is meant. */
async function byName(input: ResolveInput, candidates: readonly Candidate[], name: string): Promise<Resolution> {
  const found: TransactionEnd[] = [];
  const isWanted = (end: TransactionEnd): boolean => end.kind === 'restore-point' && end.name === name;
  for (const oldest of oldestOfStretches(candidates)) for await (const end of readEnds(input, oldest)) if (isWanted(end)) found.push(end);
  const what = `restore point "${name}"`;
  const [only, ...others] = found;
  if (only === undefined) throw await absent(input, candidates, what, isWanted);
  if (others.length > 0) throw severalOfOneName(what, found);
  return await atRecord(input, candidates, what, only);
}

async function atRecord(input: ResolveInput, candidates: readonly Candidate[], what: string, record: TransactionEnd): Promise<Resolution> {
  const candidate = candidates.find(({ stopLsn, reach }) => stopLsn <= record.lsn && record.lsn < reach);
  if (candidate === undefined) throw unreachable(what, candidates);
  const comesBack = isCommit(record) && !input.exclusive;
  const around = await surroundings(input, candidate, (end) => (comesBack ? end.lsn > record.lsn : end.lsn >= record.lsn));
  return { ...reached(candidate, { kind: 'lsn', lsn: record.lsn, inclusive: !input.exclusive }, record.endLsn), ...around };
}
