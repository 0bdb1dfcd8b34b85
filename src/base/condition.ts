/**
 * One thing that was looked at, and how it stands: what status shows, a monitoring system gets and people are told of.
 *
 * `Kind` is a stable name: `backup-late`.
 */
export interface Condition<Kind extends string = string> {
  readonly kind: Kind;
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
  /** Where `settleMs` is 0 and it can come back often: how long it must be good the second time within an hour, then twice that. */
  readonly relapseMs?: number;
}
