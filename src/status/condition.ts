/** What a DBA would want to be told of. Stable names: notifications, metrics and alert rules carry them. */
export type ConditionKind =
  | 'server-away'
  | 'repository-away'
  | 'repository-full'
  | 'repository-filling'
  | 'backup-late'
  | 'backup-damaged'
  | 'verification-failed'
  | 'drill-failed'
  | 'drill-late'
  | 'restore-slow'
  | 'wal-gap'
  | 'wal-lagging'
  | 'wal-not-received'
  | 'archive-failing'
  | 'slot-abandoned'
  | 'job-failed'
  | 'job-late'
  | 'policies-unreadable';

/** One thing that was looked at, and how it stands. */
export interface Condition {
  readonly kind: ConditionKind;
  /** Undefined where it is about the project as a whole. */
  readonly cluster: string | undefined;
  /** The policy whose receivers are told; undefined for those of the cluster's policies. */
  readonly policy: string | undefined;
  /** Which repository, slot or job, where a cluster has several. */
  readonly subject: string | undefined;
  /** `failed`: something does not work. `late`: something is overdue or over its limit. */
  readonly severity: 'failed' | 'late';
  /** `unknown`: it could not be looked at, and stays as it was. */
  readonly state: 'bad' | 'good' | 'unknown';
  /** One sentence without a full stop: how it stands, with figures. */
  readonly what: string;
  /** What to do next, as commands or statements where there are any. Lines. */
  readonly next: string;
  /** It counts when it has lasted this long. */
  readonly holdMs: number;
  /** It is over when it has been good for this long; one that comes back before was never over. */
  readonly settleMs: number;
}

export type Judged = Omit<Condition, 'cluster' | 'policy' | 'subject' | 'holdMs' | 'settleMs'>;

/** Figures that a moment can bring beyond a limit and the next one back: a network that is slow, a disk at its edge. */
export const UNSTEADY = { holdMs: 60_000, settleMs: 120_000 } as const;
/** A limit that is itself a span of time needs no other before it counts. */
export const AT_ONCE_UNSTEADY = { holdMs: 0, settleMs: 120_000 } as const;
/** What happened or did not: true from the first look. */
export const STEADY = { holdMs: 0, settleMs: 0 } as const;
