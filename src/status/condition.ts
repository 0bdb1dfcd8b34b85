import type { Condition as ConditionOf } from '../base/condition.ts';

/** What a DBA would want to be told of. Stable names: notifications, metrics and alert rules carry them. */
export type ConditionKind =
  | 'server-away'
  | 'repository-away'
  | 'repository-full'
  | 'repository-filling'
  | 'backup-late'
  | 'backup-damaged'
  | 'backup-suspect'
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
  | 'policies-unreadable'
  | 'control-away';

export type Condition = ConditionOf<ConditionKind>;

/** Figures that a moment can bring beyond a limit and the next one back: a network that is slow, a disk at its edge. */
export const UNSTEADY = { holdMs: 60_000, settleMs: 120_000 } as const;
/** A limit that is itself a span of time needs no other before it counts. */
export const AT_ONCE_UNSTEADY = { holdMs: 0, settleMs: 120_000 } as const;
/** What comes and goes with each run of a job: told at once, and when it comes back within the hour no longer each time. */
export const RECURRING = { holdMs: 0, settleMs: 0, relapseMs: 120_000 } as const;
/** What happened or did not: true from the first look. */
export const STEADY = { holdMs: 0, settleMs: 0 } as const;
