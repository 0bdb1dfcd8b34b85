import { DbadminError } from '../../base/errors.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { readTransactionEnds, type TransactionEnd } from '../../postgres/wal-records.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { recoverableUntil, type Lineage } from './recover-along.ts';
import type { RecoveryEnd } from './recovery-settings.ts';
import { formatMoment, type RestoreTarget } from './target.ts';
import { readSegments } from './wal-source.ts';

/** A commit found in the stored WAL. */
export interface CommitMark {
  readonly xid: string;
  /** Where its record begins and ends. */
  readonly lsn: bigint;
  readonly endLsn: bigint;
  readonly time: Date;
}

/** A target that can be reached, and how. */
export interface Resolution {
  readonly backup: BackupSummary;
  readonly end: RecoveryEnd;
  /** WAL before this position is needed. */
  readonly neededUntil: bigint;
  /** WAL before this position is there. */
  readonly availableUntil: bigint;
  /** The last commit that comes back and the first that does not, where the stored WAL shows them. */
  readonly before: CommitMark | undefined;
  readonly after: CommitMark | undefined;
}

export interface ResolveInput {
  readonly target: RestoreTarget;
  readonly exclusive: boolean;
  readonly backups: readonly BackupSummary[];
  readonly lineage: Lineage;
  readonly coverage: WalCoverage;
  readonly archive: WalArchive;
  /** Everything before `lsn` was here at `at`, by the server's clock: the newest such knowledge. */
  readonly horizon: { readonly lsn: bigint; readonly at: Date } | undefined;
}

interface Candidate {
  readonly backup: BackupSummary;
  readonly startLsn: bigint;
  readonly stopLsn: bigint;
  readonly reach: bigint;
}

/**
 * Finds the backup and the position that give the target, by reading the stored WAL; or refuses, saying what is nearest.
 *
 * A time becomes the last commit before the first later one in WAL order: commit times are not monotonic, WAL order is.
 *
 * @throws {DbadminError} `target-unreachable`, `backup-missing`, `wal-missing`.
 */
export async function resolveTarget(input: ResolveInput): Promise<Resolution> {
  const candidates = candidatesOf(input);
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
    case 'latest':
      return {
        backup: newest.backup,
        end: { kind: 'end-of-wal' },
        neededUntil: newest.reach,
        availableUntil: newest.reach,
        before: undefined,
        after: undefined,
      };
    case 'immediate':
      return {
        backup: newest.backup,
        end: { kind: 'immediate' },
        neededUntil: newest.stopLsn,
        availableUntil: newest.reach,
        before: undefined,
        after: undefined,
      };
    case 'lsn':
      return byPosition(input, candidates, target.lsn);
    case 'time':
      return await byTime(input, candidates, target.at);
    case 'xid':
      return await byRecord(
        input,
        candidates,
        `transaction ${target.xid}`,
        (record) => 'xid' in record && String(record.xid) === target.xid,
      );
    case 'name':
      return await byRecord(
        input,
        candidates,
        `restore point "${target.name}"`,
        (record) => record.kind === 'restore-point' && record.name === target.name,
      );
  }
}

/** Backups that can serve, newest first. */
function candidatesOf(input: ResolveInput): readonly Candidate[] {
  return input.backups
    .filter(({ damage }) => damage === null)
    .flatMap((backup) => {
      const reach = recoverableUntil(backup, input.lineage, input.coverage);
      return reach === undefined ? [] : [{ backup, reach, startLsn: parseLsn(backup.startLsn), stopLsn: parseLsn(backup.stopLsn) }];
    })
    .sort((a, b) => (a.stopLsn < b.stopLsn ? 1 : -1));
}

function byPosition(input: ResolveInput, candidates: readonly Candidate[], lsn: bigint): Resolution {
  const candidate = candidates.find(({ stopLsn, reach }) => stopLsn <= lsn && lsn < reach);
  if (candidate === undefined) throw unreachable(`position ${formatLsn(lsn)}`, candidates);
  // The record at the position may go on into the next segment.
  const size = BigInt(input.coverage.segmentBytes);
  const nextSegment = (lsn / size + 2n) * size;
  return {
    backup: candidate.backup,
    end: { kind: 'lsn', lsn, inclusive: !input.exclusive },
    neededUntil: candidate.reach < nextSegment ? candidate.reach : nextSegment,
    availableUntil: candidate.reach,
    before: undefined,
    after: undefined,
  };
}

async function byTime(input: ResolveInput, candidates: readonly Candidate[], at: Date): Promise<Resolution> {
  const atUs = BigInt(at.getTime()) * 1000n;
  for (const candidate of candidates) {
    let before: CommitMark | undefined;
    let after: CommitMark | undefined;
    for await (const record of recordsFrom(input, candidate)) {
      if (record.kind !== 'commit' && record.kind !== 'commit-prepared') continue;
      if (record.time > atUs) {
        after = markOf(record);
        break;
      }
      before = markOf(record);
    }
    const holdsLater = after !== undefined && after.lsn < candidate.stopLsn;
    const mayMissCommits = before === undefined && at.getTime() < Date.parse(candidate.backup.finishedAt);
    if (holdsLater || mayMissCommits) continue;
    if (after === undefined) requireCovered(input, candidate, at, before);
    const replayed = before !== undefined && before.lsn >= candidate.stopLsn ? before : undefined;
    return {
      backup: candidate.backup,
      end: replayed !== undefined ? { kind: 'lsn', lsn: replayed.lsn, inclusive: true } : { kind: 'immediate' },
      neededUntil: replayed?.endLsn ?? candidate.stopLsn,
      availableUntil: candidate.reach,
      before,
      after,
    };
  }
  throw unreachable(formatMoment(at), candidates);
}

/** With no later commit in the WAL, only the horizon can tell that nothing is missing up to the moment. */
function requireCovered(input: ResolveInput, candidate: Candidate, at: Date, before: CommitMark | undefined): void {
  const { horizon } = input;
  if (horizon !== undefined && horizon.lsn <= candidate.reach && horizon.at >= at) return;
  const known = [before?.time, horizon?.at].filter((moment) => moment !== undefined).sort((a, b) => b.getTime() - a.getTime())[0];
  throw new DbadminError('target-unreachable', `recovery target ${formatMoment(at)} lies beyond the WAL in the repository`, {
    detail: `The WAL ends at ${formatLsn(candidate.reach)}${known === undefined ? '' : `; the last moment it is known to cover is ${formatMoment(known)}`}.`,
    hint: `Restore to ${known === undefined ? '' : `"${formatMoment(known)}" or `}the end of what is there with --to-latest.`,
  });
}

async function byRecord(
  input: ResolveInput,
  candidates: readonly Candidate[],
  what: string,
  isWanted: (record: TransactionEnd) => boolean,
): Promise<Resolution> {
  const scans = scansOf(candidates);
  for (const oldest of scans) {
    let before: CommitMark | undefined;
    for await (const record of recordsFrom(input, oldest)) {
      if (!isWanted(record)) {
        if (record.kind === 'commit') before = markOf(record);
        continue;
      }
      const candidate = candidates.find(({ stopLsn, reach }) => stopLsn <= record.lsn && record.lsn < reach);
      if (candidate === undefined) throw unreachable(what, candidates);
      return {
        backup: candidate.backup,
        end: { kind: 'lsn', lsn: record.lsn, inclusive: !input.exclusive },
        neededUntil: record.endLsn,
        availableUntil: candidate.reach,
        before: record.kind === 'commit' && !input.exclusive ? markOf(record) : before,
        after: undefined,
      };
    }
  }
  throw unreachable(what, candidates);
}

/**
 * The backups to scan from so that all stored WAL that any of them reaches is read once: for each stretch without a hole
 * the oldest, newest stretch first.
 */
function scansOf(candidates: readonly Candidate[]): readonly Candidate[] {
  const oldest = new Map<bigint, Candidate>();
  for (const candidate of candidates) oldest.set(candidate.reach, candidate);
  return [...oldest.values()];
}

async function* recordsFrom(input: ResolveInput, candidate: Candidate): AsyncGenerator<TransactionEnd> {
  const { archive, lineage } = input;
  const size = BigInt(archive.segmentBytes);
  const startLsn = candidate.startLsn - (candidate.startLsn % size);
  const major = Math.floor(candidate.backup.serverVersion / 10_000);
  const bytes = (async function* () {
    for await (const segment of readSegments(archive, lineage, startLsn, candidate.reach))
      yield segment.bytes.subarray(0, segment.filledBytes);
  })();
  let validUntil = candidate.reach;
  const records = readTransactionEnds(bytes, { startLsn, segmentBytes: archive.segmentBytes, major, onEnd: (lsn) => (validUntil = lsn) });
  for await (const record of records) if (record.lsn >= candidate.startLsn) yield record;
  // Valid WAL ends somewhere in the last segment. Anywhere before, recovery would end there too, and silently.
  const lastSegment = ((candidate.reach - 1n) / size) * size;
  if (validUntil >= lastSegment) return;
  throw new DbadminError('wal-invalid', `the stored WAL is not valid from ${formatLsn(validUntil)} on`, {
    detail: `It should go on to ${formatLsn(candidate.reach)}; a recovery would end where it breaks off.`,
    hint: 'Restore to a moment before, or from another repository.',
  });
}

function markOf(record: TransactionEnd): CommitMark {
  return {
    xid: 'xid' in record ? String(record.xid) : '',
    lsn: record.lsn,
    endLsn: record.endLsn,
    time: new Date(Number(record.time / 1000n)),
  };
}

function unreachable(what: string, candidates: readonly Candidate[]): DbadminError {
  const oldest = candidates.at(-1);
  const newest = candidates[0];
  return new DbadminError('target-unreachable', `recovery target ${what} is not recoverable`, {
    detail:
      oldest === undefined || newest === undefined
        ? 'No backup can be restored.'
        : `The earliest recoverable moment is ${formatMoment(new Date(oldest.backup.finishedAt))} at ${oldest.backup.stopLsn} (backup ${oldest.backup.label}); the WAL ends at ${formatLsn(newest.reach)}.`,
    hint: 'Restore to a moment in between, or see dbadmin backup info for gaps and other repositories.',
  });
}
