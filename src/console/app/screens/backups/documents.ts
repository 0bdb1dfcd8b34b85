import type { MissingWal, Stretch } from './bands.ts';

/** The documents of the commands that this screen shows, as far as it shows them. */

/** `backup info --json`. */
export interface Info {
  readonly repository: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly timelines: readonly TimelineInfo[];
  readonly gaps: readonly MissingWal[];
  readonly wal: { readonly segmentBytes: number; readonly timelines: readonly StoredWal[] };
  /** Labels, which begin with their moment. */
  readonly dumps: readonly string[];
  readonly drills: readonly Drill[];
  readonly lastPassedDrill: Drill | null;
}

export interface TimelineInfo {
  readonly timeline: number;
  readonly parent: { readonly timeline: number; readonly switchLsn: string } | null;
  readonly stretches: readonly (Stretch & { readonly toLsn: string })[];
}

export interface StoredWal {
  readonly timeline: number;
  readonly runs: readonly { readonly fromLsn: string; readonly toLsn: string; readonly segments: number }[];
  readonly open: readonly { readonly segment: string; readonly fromLsn: string; readonly toLsn: string }[];
  readonly horizon: { readonly lsn: string; readonly at: string } | null;
}

export interface Drill {
  readonly label: string;
  readonly finishedAt: string;
  readonly backup: string | null;
  readonly verdict: 'passed' | 'failed' | 'proved-nothing';
}

/** `backup list --json`. */
export interface BackupList {
  readonly backups: readonly Backup[];
}

export interface Backup {
  readonly label: string;
  readonly kind: 'full' | 'incremental';
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly startLsn: string;
  readonly stopLsn: string;
  readonly stopTimeline: number;
  readonly damage: string | null;
  /** Label of a verification that found that it does not restore whole. */
  readonly brokenBy: string | null;
  /** What an audit has against it. */
  readonly suspicion: { readonly kind: 'earlier' | 'audited' | 'later' | 'wrong'; readonly audit: string; readonly why: string } | null;
  readonly plainBytes: number;
  readonly storedBytes: number;
  readonly changedBytes?: number;
  readonly parent?: string | null;
  readonly proven: Drill | null;
  readonly holds: readonly { readonly reason: string; readonly until: string | null; readonly by: string }[];
}

/** `schedule list --json`. */
export interface Jobs {
  /** Whether there is a control database: without one nobody knows what ran. */
  readonly pausesKnown: boolean;
  readonly jobs: readonly { readonly name: string; readonly kind: string; readonly cluster: string | null }[];
}

/** `schedule history --json`. */
export interface History {
  readonly runs: readonly ScheduledRun[];
}

export interface ScheduledRun {
  readonly job: string;
  readonly due: string;
  readonly state: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly error: string | null;
}

/** `backup ledger list --json`. */
export interface Ledger {
  readonly entries: readonly { readonly kind: string; readonly text: string; readonly at: string; readonly timeline: number }[];
}

/** `wal find --json`. */
export interface Found {
  readonly found: readonly {
    readonly kind: string;
    readonly name?: string;
    readonly xid?: string;
    readonly lsn: string;
    readonly time: string;
  }[];
  readonly more: number;
}

/** `wal status --json`. */
export interface WalStatus {
  readonly mode: 'stream' | 'archive' | 'none';
  readonly delivery: { readonly isWell: boolean; readonly text: string };
  readonly slot: string;
  readonly isReceiving: boolean;
  readonly writtenLsn: string | null;
  readonly repositories: readonly {
    readonly name: string;
    readonly storedLsn?: string | null;
    readonly lagBytes?: string | null;
    readonly lagMs?: number | null;
    readonly lossMs?: number | null;
    readonly error?: string;
  }[];
}

/** `restore --dry-run --json`. */
export interface RestorePlan {
  readonly preflight: Preflight;
}

export interface Preflight {
  readonly target: string;
  readonly at: string | null;
  readonly timeline: number;
  readonly dataDirectory: string;
  readonly port: number;
  readonly backup: string;
  readonly proof: string;
  readonly expected: { readonly spanMs: number; readonly drill: string; readonly drilledAt: string; readonly because: string } | null;
  readonly end: { readonly kind: 'lsn'; readonly lsn: string; readonly inclusive: boolean } | { readonly kind: 'immediate' | 'end-of-wal' };
  readonly neededFrom: string;
  readonly neededUntil: string;
  readonly availableUntil: string;
  readonly before: Commit | null;
  readonly after: Commit | null;
  readonly left: readonly { readonly timeline: number; readonly commits: number; readonly from: string; readonly to: string }[];
  readonly totalBytes: number;
  readonly walBytes: number;
  readonly freeBytes: number;
  readonly returning: readonly { readonly kind: string; readonly text: string; readonly at: string }[];
}

export interface Commit {
  readonly xid: string;
  readonly lsn: string;
  readonly time: string;
}

/** `backup expire --json`. */
export interface Expiry {
  readonly applied: boolean;
  readonly repositories: readonly ExpiryOf[];
}

export interface ExpiryOf {
  readonly repository: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly backups?: readonly Verdict[];
  readonly dumps?: readonly Verdict[];
  readonly wal?: { readonly objects: number; readonly bytes: number };
}

export interface Verdict {
  readonly label: string;
  readonly stays: boolean;
  /** Of one that no rule keeps: until when the storage does. */
  readonly lockedUntil: string | null;
  readonly why: readonly string[];
}
