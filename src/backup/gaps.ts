import { compareLsns, formatLsn, parseLsn } from '../postgres/lsn.ts';
import type { GapReason, RecordedGap } from '../repository/gap-record.ts';
import type { LetGo } from '../repository/let-go.ts';
import type { BackupSummary } from '../repository/manifest.ts';
import type { TimelineCoverage, WalCoverage } from '../repository/wal-coverage.ts';

/** A stretch of WAL that is not there. */
export interface WalGap {
  readonly timeline: number;
  readonly fromLsn: string;
  readonly toLsn: string;
  /** `hole`: nobody recorded why; later WAL is there. */
  readonly reason: GapReason | 'hole';
  readonly noticedAt: string | null;
}

interface Range {
  readonly startLsn: bigint;
  readonly endLsn: bigint;
}

/** What retention has noted that it has no use for, and the backups whose own WAL it keeps all the same. */
export interface Expired {
  readonly letGo: LetGo;
  readonly backups: readonly OwnWal[];
}

type OwnWal = Pick<BackupSummary, 'startTimeline' | 'stopTimeline' | 'startLsn' | 'stopLsn'>;

const NOTHING_EXPIRED: Expired = { letGo: new Map(), backups: [] };

/** Gaps recorded, as far as nothing has filled them since, and holes between stored segments that nobody recorded and retention did not make. */
export function openGaps(coverage: WalCoverage, recorded: readonly RecordedGap[], expired = NOTHING_EXPIRED): readonly WalGap[] {
  const gaps = recorded.flatMap((gap): readonly WalGap[] =>
    subtract({ startLsn: gap.fromLsn, endLsn: gap.toLsn }, stored(coverage.timelines.get(gap.timeline))).map((range) => ({
      timeline: gap.timeline,
      fromLsn: formatLsn(range.startLsn),
      toLsn: formatLsn(range.endLsn),
      reason: gap.reason,
      noticedAt: gap.noticedAt,
    })),
  );
  const holes = walGaps(coverage, recorded, expired);
  return [...joined(gaps), ...holes].sort(byPlace);
}

function byPlace(a: WalGap, b: WalGap): number {
  return a.timeline - b.timeline || compareLsns(a.fromLsn, b.fromLsn);
}

/** Gaps that overlap or follow one another are one, with the reason that was noticed first: a receiver may need several attempts to find the end. */
function joined(gaps: readonly WalGap[]): readonly WalGap[] {
  const result: WalGap[] = [];
  for (const gap of [...gaps].sort(byPlace)) {
    const last = result.at(-1);
    if (last === undefined || last.timeline !== gap.timeline || compareLsns(gap.fromLsn, last.toLsn) > 0) {
      result.push(gap);
      continue;
    }
    const first = (gap.noticedAt ?? '') < (last.noticedAt ?? '') ? gap : last;
    const toLsn = compareLsns(gap.toLsn, last.toLsn) > 0 ? gap.toLsn : last.toLsn;
    result[result.length - 1] = { ...last, toLsn, reason: first.reason, noticedAt: first.noticedAt };
  }
  return result;
}

/** Holes between stored segments: WAL that is missing although later WAL is there; less what is recorded or let go of. */
export function walGaps(coverage: WalCoverage, recorded: readonly RecordedGap[] = [], expired = NOTHING_EXPIRED): readonly WalGap[] {
  return [...coverage.timelines].flatMap(([timeline, { runs }]) => {
    const gaps = recorded.filter((gap) => gap.timeline === timeline).map((gap) => ({ startLsn: gap.fromLsn, endLsn: gap.toLsn }));
    const known = [...gaps, ...unwanted(timeline, expired, BigInt(coverage.segmentBytes))];
    return runs.slice(1).flatMap((run, index): readonly WalGap[] =>
      subtract({ startLsn: runs[index]?.endLsn ?? 0n, endLsn: run.startLsn }, known).map((range) => ({
        timeline,
        fromLsn: formatLsn(range.startLsn),
        toLsn: formatLsn(range.endLsn),
        reason: 'hole',
        noticedAt: null,
      })),
    );
  });
}

/** The WAL of a timeline that retention has no use for, in whole segments: all before what it noted, but for what backups have of their own. */
function unwanted(timeline: number, { letGo, backups }: Expired, segmentBytes: bigint): readonly Range[] {
  const endLsn = letGo.get(timeline);
  if (endLsn === undefined) return [];
  const own = backups
    .filter(({ startTimeline, stopTimeline }) => startTimeline <= timeline && timeline <= stopTimeline)
    .map(({ startLsn, stopLsn }) => ({
      startLsn: (parseLsn(startLsn) / segmentBytes) * segmentBytes,
      endLsn: (parseLsn(stopLsn) / segmentBytes + 1n) * segmentBytes,
    }));
  return subtract({ startLsn: 0n, endLsn }, own);
}

function stored(coverage: TimelineCoverage | undefined): readonly Range[] {
  return coverage === undefined ? [] : [...coverage.runs, ...coverage.open];
}

/** What of `range` none of `covers` holds. */
function subtract(range: Range, covers: readonly Range[]): readonly Range[] {
  let left: readonly Range[] = [range];
  for (const cover of covers) {
    left = left.flatMap((each) => {
      if (cover.endLsn <= each.startLsn || each.endLsn <= cover.startLsn) return [each];
      const before = { startLsn: each.startLsn, endLsn: cover.startLsn };
      const after = { startLsn: cover.endLsn, endLsn: each.endLsn };
      return [before, after].filter(({ startLsn, endLsn }) => startLsn < endLsn);
    });
  }
  return left;
}

/**
 * For people: `slot lost, noticed 2026-11-21 04:00:00 UTC`. Of a hole nothing tells whether its WAL was lost: of a backup that stays for longer than the
 * window retention keeps its own WAL alone, and not everywhere that is noted (see FORMAT.md "WAL let go").
 */
export function describeGap({ reason, noticedAt }: WalGap): string {
  return reason === 'hole'
    ? 'not stored (lost, or let go by retention)'
    : `${reason.replace('-', ' ')}${noticedAt === null ? '' : `, noticed ${noticedAt.slice(0, 19).replace('T', ' ')} UTC`}`;
}
