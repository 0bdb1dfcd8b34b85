import { expect, test } from 'vitest';
import { brokenAside } from '../../../../src/backup/restore/inspect.ts';
import { parseLsn } from '../../../../src/postgres/lsn.ts';
import type { BackupSummary } from '../../../../src/repository/manifest.ts';
import type { WalCoverage } from '../../../../src/repository/wal-coverage.ts';

const SEGMENT = 16 * 1024 * 1024;

const backup = (label: string, stopTimeline: number, number: number): BackupSummary =>
  ({ label, stopTimeline, startLsn: `0/${number}000028`, stopLsn: `0/${number}000100`, damage: null }) as unknown as BackupSummary;

test('broken backups are named that lead to the target, and none before the one that is taken, behind the target, or of a timeline that was left', () => {
  const backups = [backup('older', 1, 1), backup('taken', 1, 2), backup('newer', 1, 4), backup('left', 2, 5), backup('behind', 1, 7)];
  const stored = { runs: [{ startLsn: BigInt(SEGMENT), endLsn: BigInt(SEGMENT * 9) }], open: [] };
  const coverage = { segmentBytes: SEGMENT, timelines: new Map([1, 2].map((each) => [each, stored])) } as unknown as WalCoverage;
  const broken = new Map(['older', 'newer', 'left', 'behind'].map((label) => [label, 'V1']));
  const resolution = { backup: backups[1] as BackupSummary, neededUntil: parseLsn('0/6000000') };
  const aside = brokenAside({ backups, coverage }, { timeline: 1, history: [] }, resolution, broken);
  expect(aside).toEqual([{ label: 'newer', verification: 'V1' }]);
});
