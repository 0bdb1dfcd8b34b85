import type { Condition } from '../base/condition.ts';

/** What is kept of a condition between two looks. Times are ISO 8601. */
export interface Alert {
  readonly kind: string;
  readonly cluster: string | null;
  readonly policy: string | null;
  readonly subject: string | null;
  readonly severity: 'failed' | 'late';
  /**
   * `waiting`: bad, and not for long enough yet. `raised`: told. `settling`: told, and good again for a while. `over`: told
   * that it is over; kept for some time, so that one which comes and goes is known by it.
   */
  readonly phase: 'waiting' | 'raised' | 'settling' | 'over';
  /** When the phase began. */
  readonly since: string;
  /** When it was first seen to be bad. */
  readonly badSince: string;
  readonly what: string;
  readonly next: string;
  /** Counts what was told of it: odd is raised, even is over. */
  readonly sequence: number;
  /** How often of late it came back before it had settled, or soon after. */
  readonly relapses: number;
  readonly settleMs: number;
}

/** By {@link alertKey}. */
export type Alerts = Readonly<Record<string, Alert>>;

/** Something to tell: once for each change of state. */
export interface AlertEvent {
  readonly key: string;
  readonly event: 'raised' | 'over';
  readonly at: string;
  readonly alert: Alert;
}

export function alertKey({ kind, cluster, subject }: Pick<Condition, 'kind' | 'cluster' | 'subject'>): string {
  return `${kind}/${cluster ?? ''}/${subject ?? ''}`;
}
