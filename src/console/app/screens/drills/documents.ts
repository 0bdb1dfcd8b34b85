/** What `dbadmin backup drill --list`, `--show` and `backup list` print with --json, as far as the screen shows it. */

export type Verdict = 'passed' | 'failed' | 'proved-nothing';

export interface Times {
  readonly planMs: number | null;
  readonly restoreMs: number | null;
  readonly recoveryMs: number | null;
  readonly rtoMs: number | null;
  readonly checksMs: number | null;
}

export interface DrillsDocument {
  readonly repository: string;
  readonly total: number;
  readonly drills: readonly Drill[];
}

export interface Drill {
  readonly label: string;
  readonly verdict: Verdict;
  readonly backup: string | null;
  readonly finishedAt: string;
  readonly startedAt: string | null;
  readonly asked: string | null;
  readonly moment: string | null;
  readonly plainBytes: number | null;
  readonly walBytes: number | null;
  readonly amcheck: 'clean' | 'damaged' | 'absent' | 'not-run' | null;
  readonly assertions: { readonly held: number; readonly asked: number } | null;
  readonly times: Times | null;
  readonly failures: readonly string[] | null;
  readonly weaknesses: readonly string[] | null;
  readonly fingerprint: string | null;
}

export interface ReportDocument {
  readonly report: Report;
  readonly signature: { readonly algorithm: string; readonly publicKey: string; readonly value: string };
  readonly signed: {
    readonly kind: 'valid' | 'unknown-key' | 'invalid';
    readonly fingerprint: string | null;
    readonly reason: string | null;
  };
}

export interface Report {
  readonly label: string;
  readonly verdict: Verdict;
  readonly failures: readonly string[];
  readonly weaknesses: readonly string[];
  readonly tool: string;
  readonly cluster: string;
  readonly repository: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly target: { readonly asked: string; readonly seed: string | null; readonly moment: string | null };
  readonly plan: {
    readonly backup: string;
    readonly backupKind: string;
    readonly timeline: number;
    readonly fromLsn: string;
    readonly untilLsn: string | null;
    readonly lastCommit: { readonly xid: string; readonly at: string } | null;
    readonly plainBytes: number;
    readonly walBytes: number;
  } | null;
  readonly reached: {
    readonly state: 'paused' | 'open';
    readonly lsn: string;
    readonly timeline: number;
    readonly lastTransactionAt: string | null;
    readonly lastCommit: 'committed' | 'absent' | 'forgotten' | null;
  } | null;
  readonly amcheck:
    | {
        readonly state: 'clean' | 'damaged';
        readonly databases: number;
        readonly indexes: number;
        readonly tables: number;
        readonly heapAllIndexed: boolean;
        readonly findings: readonly string[];
      }
    | { readonly state: 'absent' | 'not-run' };
  readonly assertions: readonly {
    readonly sql: string;
    readonly is: string | number | boolean | null;
    readonly got: string;
    readonly holds: boolean;
  }[];
  readonly times: Times;
}

export interface BackupsDocument {
  readonly repository: string;
  readonly backups: readonly {
    readonly label: string;
    readonly kind: 'full' | 'incremental';
    readonly finishedAt: string;
    readonly plainBytes: number;
    readonly damage: string | null;
    readonly suspicion: { readonly why: string } | null;
    readonly proven: { readonly label: string; readonly finishedAt: string } | null;
  }[];
}
