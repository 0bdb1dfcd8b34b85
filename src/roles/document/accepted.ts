import type { Position } from './document.ts';

/** A finding of `roles audit` that somebody looked at and takes as it is. */
export interface AcceptedFinding {
  /** The name of the finding: `replication-login`. */
  readonly finding: string;
  /** A glob for what it is about: `svc_backup`, `table core.*`. */
  readonly on: string;
  readonly reason: string;
  /** An instant as ISO 8601 in UTC, after which it counts again. */
  readonly until: string | undefined;
  readonly at: Position;
}
