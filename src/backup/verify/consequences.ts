import { recoverableUntil } from '../restore/recover-along.ts';
import { newestRecovery, recoveryModel, type RecoverableWindow, type RecoveryFacts } from '../windows.ts';
import type { AffectedBackup, KeptBackups } from './backups-inspect.ts';
import { coverageWithout } from './coverage-without.ts';
import type { DumpFindings } from './dumps-inspect.ts';
import type { Faults } from './faults.ts';
import type { AffectedWindow, VerifyReport } from './report.ts';
import type { WalFindings } from './wal-inspect.ts';

type Consequences = Pick<VerifyReport, 'isSound' | 'backups' | 'soundBackups' | 'dumps' | 'windows' | 'restorable' | 'gaps'>;

/** What the faults cost: which backups, dumps and windows. Adds the backups whose own WAL is incomplete to the faults. */
export function consequencesOf(faults: Faults, backups: KeptBackups, wal: WalFindings, dumps: DumpFindings): Consequences {
  const seeming: RecoveryFacts = {
    backups: backups.summaries,
    suspicions: backups.suspicions,
    coverage: wal.coverage,
    histories: wal.histories,
    recordedGaps: wal.recordedGaps,
    letGo: wal.letGo,
    moments: [],
  };
  const coverage = coverageWithout(wal.coverage, faults.segments);
  const affected = new Map(backups.affected.map((each) => [each.label, each]));
  for (const backup of backups.summaries) {
    const lineage = { timeline: backup.stopTimeline, history: wal.histories.get(backup.stopTimeline) ?? [] };
    if (recoverableUntil(backup, lineage, coverage) !== undefined) continue;
    const isThere = recoverableUntil(backup, lineage, wal.coverage) !== undefined;
    const range = `${backup.startLsn} → ${backup.stopLsn}`;
    if (!isThere) {
      const detail = `The WAL from its start to its stop (${range}) is not all there: it cannot be made consistent.`;
      faults.add({ kind: 'missing', object: `WAL of backup ${backup.label}`, detail });
    }
    addReason(affected, backup.label, `Its own WAL (${range}) is ${isThere ? 'damaged' : 'incomplete'}.`);
  }
  const model = recoveryModel(seeming);
  const real = recoveryModel({ ...seeming, coverage, backups: backups.summaries.filter(({ label }) => !affected.has(label)) });
  const realWindows = real.timelines.flatMap((timeline) => timeline.windows);
  return {
    isSound: faults.count === 0,
    backups: [...affected.values()],
    soundBackups: backups.summaries.map(({ label }) => label).filter((label) => !affected.has(label)),
    dumps: dumps.affected,
    windows: model.timelines.flatMap((timeline) => timeline.windows).flatMap((window) => shortened(window, realWindows)),
    restorable: newestRecovery(real)?.windows ?? [],
    gaps: model.gaps,
  };
}

function shortened(window: RecoverableWindow, real: readonly RecoverableWindow[]): readonly AffectedWindow[] {
  const left = real.find(({ backup, timeline }) => backup === window.backup && timeline === window.timeline);
  return left?.toLsn === window.toLsn ? [] : [{ ...window, endsAtLsn: left?.toLsn ?? null }];
}

function addReason(affected: Map<string, AffectedBackup>, label: string, reason: string): void {
  const known = affected.get(label) ?? { label, reasons: [], files: 0 };
  affected.set(label, { ...known, reasons: [...known.reasons, reason] });
}
