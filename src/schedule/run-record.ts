/** What a run is or came to. `missed`: its time was not kept; `skipped`: a job before it failed. */
export type RunState = 'waiting' | 'queued' | 'running' | 'succeeded' | 'failed' | 'missed' | 'skipped';

/** Why it runs: its cron line, the success of others, a person, or a timer of the system that called `schedule run`. */
export type RunCause = 'time' | 'after' | 'manual' | 'timer';

/** A job at a time at which it was due. */
export interface RunRecord {
  readonly runId: string;
  readonly job: string;
  readonly due: Date;
  readonly cause: RunCause;
  readonly state: RunState;
  readonly labels: readonly string[];
  readonly createdAt: Date;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  /** How often it was begun. */
  readonly attempt: number;
  /** How often it failed: being stopped or losing its worker is no failure of its own. */
  readonly failures: number;
  readonly worker: string | undefined;
  readonly exitStatus: number | undefined;
  /** Why it did not succeed; of one that did, a warning. */
  readonly error: string | undefined;
  /** How many times it stands for: those missed in a row are told as one. */
  readonly times: number;
}

/** What whoever watches is told when a run is over, and after every attempt that will be repeated. */
export interface JobEnded {
  readonly job: string;
  readonly due: Date;
  readonly attempt: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly outcome: 'succeeded' | 'failed' | 'will-retry';
  readonly exitStatus: number | undefined;
  readonly error: string | undefined;
  /** The end of what it printed. */
  readonly logTail: string;
  readonly worker: string;
}
