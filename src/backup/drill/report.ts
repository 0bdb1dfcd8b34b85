import type { ReportHeader } from '../../repository/reports.ts';

/** `proved-nothing`: it restored and reached its point, and nobody looked inside: no amcheck, no assertion. */
export type DrillVerdict = 'passed' | 'failed' | 'proved-nothing';

/** What a drill was to do, what it saw and how long that took. Signed as it is. Times are the tool's clock, ISO 8601, except where said. */
export interface DrillReport {
  readonly label: string;
  readonly verdict: DrillVerdict;
  /** Why it did not pass. Sentences. */
  readonly failures: readonly string[];
  /** What a pass leaves unproven. Sentences. */
  readonly weaknesses: readonly string[];
  readonly tool: string;
  readonly cluster: string;
  readonly systemIdentifier: string;
  readonly repository: string;
  readonly repositoryId: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly target: DrillTarget;
  /** What the stored WAL promised. Null when no plan came about. */
  readonly plan: DrillPlan | null;
  /** What the started clone said. Null when it did not get that far. */
  readonly reached: DrillReached | null;
  readonly amcheck: AmcheckResult;
  readonly assertions: readonly AssertionResult[];
  readonly times: DrillTimes;
}

export interface DrillTarget {
  /** `latest`, `random`, or as it was asked: `--to 2026-11-21T14:03:07Z`. */
  readonly asked: string;
  /** For a random one: what draws the same again. */
  readonly seed: string | null;
  /** The moment that came of it, where it is one. */
  readonly moment: string | null;
}

export interface DrillPlan {
  readonly backup: string;
  readonly backupKind: string;
  /** Where the backup began: with its label it says which it is, in other repositories too. Absent in reports of earlier versions. */
  readonly backupStartLsn?: string;
  /** Why the backup is not to be relied on whatever the drill shows, as a sentence; absent where nothing is known against it. */
  readonly suspicion?: string;
  /** What a production restored from the backup lacks of its configuration, which no clone shows: sentences without the last stop. Absent for nothing. */
  readonly lackingConfiguration?: readonly string[];
  readonly serverVersion: number;
  readonly timeline: number;
  /** Where recovery is told to end. */
  readonly end: 'lsn' | 'immediate' | 'end-of-wal';
  /** The position that must have been replayed at least. */
  readonly fromLsn: string;
  /** The position beyond which nothing may have been; null where only the end of the WAL bounds it. */
  readonly untilLsn: string | null;
  /** The last commit that has to be there, by the server's clock, where the WAL shows it. */
  readonly lastCommit: { readonly xid: string; readonly at: string } | null;
  readonly plainBytes: number;
  readonly walBytes: number;
}

export interface DrillReached {
  /** Paused at its target, or open because the WAL was at its end. */
  readonly state: 'paused' | 'open';
  readonly lsn: string;
  readonly timeline: number;
  /** The last transaction replayed, by the server's clock. */
  readonly lastTransactionAt: string | null;
  /** What the clone knows of the last commit that has to be there; `forgotten` when it is too old for the server to tell. */
  readonly lastCommit: 'committed' | 'absent' | 'forgotten' | null;
}

export type AmcheckResult =
  | {
      readonly state: 'clean' | 'damaged';
      readonly databases: number;
      readonly indexes: number;
      readonly tables: number;
      readonly heapAllIndexed: boolean;
      /** The first hundred. */
      readonly findings: readonly string[];
    }
  /** The extension is not among those of the server programs used. */
  | { readonly state: 'absent' }
  | { readonly state: 'not-run' };

export interface AssertionResult {
  readonly sql: string;
  readonly is: string | number | boolean | null;
  /** What the query gave, as text; or the error. */
  readonly got: string;
  readonly holds: boolean;
}

export interface DrillTimes {
  /** Milliseconds. Restore: reading and writing files and WAL. Recovery: start and replay. Null for what did not come about. */
  readonly planMs: number | null;
  readonly restoreMs: number | null;
  readonly recoveryMs: number | null;
  /** From the beginning until the clone took writes: what an outage would have cost at least. */
  readonly rtoMs: number | null;
  readonly checksMs: number | null;
}

/** The header of a stored drill: what lists need. */
export interface DrillHeader extends ReportHeader {
  readonly backup: string | null;
  /** As in {@link DrillPlan}. */
  readonly backupStartLsn?: string;
  readonly verdict: DrillVerdict;
  /** The moment that was drawn, where no plan came about for it. */
  readonly drawn?: string;
  /** Labels of failed drills: this one did the same and passed. Absent in reports of earlier versions. */
  readonly settles?: readonly string[];
  /** Which repository was restored from: reports are copied to others. Absent in reports of earlier versions, which count where they are. */
  readonly repositoryId?: string;
}
