/** What `dbadmin schedule … --json` and `dbadmin alerts list --json` print, as far as this screen shows it. */

export type RunState = 'waiting' | 'queued' | 'running' | 'succeeded' | 'failed' | 'missed' | 'skipped';
export type DayState = 'done' | 'late' | 'mended' | 'failed' | 'missed' | 'skipped' | 'running' | 'waiting';

export interface JobDocument {
  readonly name: string;
  readonly kind: string;
  readonly policy: string | null;
  readonly cluster: string | null;
  readonly description: string;
  readonly cron: string | null;
  readonly timeZone: string | null;
  readonly after: readonly string[];
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly catchUp: 'none' | 'once' | 'all';
  readonly from: string | null;
  readonly until: string | null;
  readonly forMs: number | null;
  readonly paused: boolean;
  readonly pausedInFile: boolean;
  readonly pause: { readonly at: string; readonly until: string | null; readonly by: string; readonly reason: string | null } | null;
  readonly inForce: boolean;
  readonly endsAt: string | null;
  readonly labels: readonly string[];
}

export interface ListDocument {
  readonly file: string;
  readonly timeZone: string;
  readonly pausesKnown: boolean;
  readonly jobs: readonly JobDocument[];
  readonly receiving: readonly {
    readonly name: string;
    readonly cluster: string;
    readonly repositories: readonly string[];
    readonly rpoMs: number;
  }[];
}

export interface Took {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly mostMs: number;
}

export interface DayDocument {
  readonly day: string;
  readonly state: DayState;
  readonly done: number;
  readonly failed: number;
  readonly missed: number;
  readonly skipped: number;
  readonly current: number;
  readonly waiting: number;
  readonly retried: number;
  readonly late: number;
  readonly took: Took | null;
}

export interface JobHistory {
  readonly job: string;
  readonly runs: number;
  readonly failed: number;
  readonly took: Took | null;
  readonly days: readonly (DayDocument | null)[];
}

export interface RunDocument {
  readonly runId: string;
  readonly job: string;
  readonly due: string;
  readonly cause: 'time' | 'after' | 'manual' | 'timer';
  readonly state: RunState;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly attempt: number;
  readonly failures: number;
  readonly worker: string | null;
  readonly exitStatus: number | null;
  readonly error: string | null;
  readonly times: number;
}

export interface HistoryDocument {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly days: readonly string[];
  readonly jobs: readonly JobHistory[];
  readonly runs: readonly RunDocument[];
}

export interface NextDocument {
  readonly now: string;
  readonly runs: readonly {
    readonly job: string;
    readonly at: string;
    readonly local: string;
    readonly timeZone: string;
    readonly followers: readonly string[];
    readonly note: string | null;
    /** A pause that goes on lets it pass. */
    readonly isLeftOut: boolean;
  }[];
  readonly clocks: readonly { readonly timeZone: string; readonly at: string; readonly byMinutes: number }[];
  readonly after: readonly { readonly job: string; readonly after: readonly string[] }[];
}

export interface WorkersDocument {
  readonly workers: readonly {
    readonly name: string;
    readonly host: string;
    readonly pid: number;
    readonly version: string;
    readonly labels: readonly string[];
    readonly slots: number;
    readonly startedAt: string;
    readonly seenAt: string;
    readonly isAlive: boolean;
    readonly runs: readonly RunDocument[];
  }[];
  readonly others: readonly RunDocument[];
  readonly waiting: readonly RunDocument[];
  /** Null while the policies cannot be read. */
  readonly unreachable: readonly string[] | null;
}

export interface LogDocument {
  readonly run: RunDocument;
  readonly attempts: readonly {
    readonly attempt: number;
    readonly worker: string;
    readonly startedAt: string;
    readonly endedAt: string | null;
    readonly outcome: string | null;
    readonly exitStatus: number | null;
    readonly error: string | null;
  }[];
  readonly attempt: number | null;
  readonly firstLine: number;
  readonly lines: readonly string[];
  readonly isOver: boolean;
}

export interface AlertsDocument {
  readonly lookedAt: string | null;
  readonly alerts: readonly {
    readonly phase: 'waiting' | 'raised' | 'settling';
    readonly kind: string;
    readonly severity: 'failed' | 'late';
    readonly cluster: string | null;
    readonly subject: string | null;
    readonly badSince: string;
    readonly relapses: number;
    readonly what: string;
    readonly next: string;
    readonly told: readonly string[] | null;
  }[];
  readonly waiting: readonly {
    readonly receiver: string;
    readonly kind: string;
    readonly event: string;
    readonly attempts: number;
    readonly nextAt: string;
    readonly failure: string | null;
  }[];
  /** Null while the policies, which name them, cannot be read. */
  readonly receivers: readonly { readonly name: string; readonly policy: string | null; readonly on: readonly string[] }[] | null;
  readonly receiversProblem: string | null;
}

export interface ExportDocument {
  readonly omitted: readonly { readonly job: string; readonly reason: string }[];
  /** Of cron and Kubernetes. */
  readonly text?: string;
  /** Of systemd and Windows: by name of the file. */
  readonly texts?: Readonly<Record<string, string>>;
}
