import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ConnectionPool } from '../../postgres/pool.ts';
import type { AttemptOutcome, DoneRepository } from '../attempt.ts';
import type { WorkerRecord } from '../control/registry-apply.ts';
import type { Job, Policies, Reception } from '../policies.ts';
import type { JobEnded } from '../run-record.ts';

/** What whoever does a job gets beside it. */
export interface AttemptContext {
  readonly runId: string;
  readonly attempt: number;
  readonly due: Date;
  /** With what an attempt before is over. */
  readonly done: readonly DoneRepository[];
  /** Aborted when it has to stop: the worker ends, or it can no longer prove that the run is its own. */
  readonly signal: AbortSignal;
  /** Takes whatever the job prints. */
  readonly onOutput: (text: string) => void;
}

/** Does a job once. Never throws for a failure of the job. */
export type Perform = (job: Job, context: AttemptContext) => Promise<AttemptOutcome>;

/** The right to receive the WAL of a cluster into its repositories. */
export interface WalOwnership {
  /** @throws {DbadminError} `locked` when it has passed to another. */
  check(): Promise<void>;
  release(): Promise<void>;
}

/** How the WAL of a cluster is owned and received. */
export interface Receiving {
  /** @throws {DbadminError} `locked` when another owns it. */
  readonly own: (reception: Reception, signal: AbortSignal) => Promise<WalOwnership>;
  /** Receives until the signal; ends or throws when it cannot go on. */
  readonly receive: (reception: Reception, signal: AbortSignal) => Promise<void>;
}

export interface WorkerOptions {
  readonly worker: WorkerRecord;
  readonly schema: string;
  readonly heartbeatSeconds: number;
  /** How long jobs may go on after the worker was told to stop. */
  readonly graceMs: number;
  readonly connect: () => Promise<ConnectionPool>;
  /** The policies as they are now; undefined when they have not changed since the last call. */
  readonly reload: () => Promise<Policies | undefined>;
  readonly policies: Policies;
  readonly perform: Perform;
  /** Undefined: this worker leaves WAL to others. */
  readonly receiving: Receiving | undefined;
  /** Told of every end; what it throws is logged. */
  readonly onJobEnded: (ended: JobEnded) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}
