import type { Observed, MigrationPlan } from './plan.ts';
import type { Statement } from './files/migration.ts';
import type { ServerFacts } from './session/inspect-server.ts';
import type { Queryable } from './session/session.ts';

/** What a run found, right before it applies it: under the database's migration lock, in the run's own session. */
export interface FoundPlan {
  readonly plan: MigrationPlan;
  readonly observed: Observed;
  readonly server: ServerFacts;
  readonly session: Queryable;
}

/** A plan that somebody looked at before. */
export interface ExpectedPlan {
  /** @throws {DbadminError} `plan-stale` when `found` is not what was looked at; then nothing is applied. */
  compare(found: FoundPlan): Promise<void>;
}

/** A file, or the changed routines, on the way into the database. */
export interface ObservedFile {
  readonly kind: 'versioned' | 'routines';
  /** As messages name it; `routines` for those. */
  readonly path: string;
  /** Undefined for routines. */
  readonly version: string | undefined;
  /** One transaction for all of it; false with no-transaction. */
  readonly transaction: boolean;
  /** From 1; more when another session's lock ended the ones before. */
  readonly attempt: number;
  /** The run's own session: what is asked in it is asked in the file's transaction, where it has one. */
  readonly session: Queryable;
}

/** A statement about to run, or that ran. */
export interface ObservedStatement extends ObservedFile {
  /** The file of the routine that it stands in; otherwise the same as `path`. */
  readonly file: string;
  readonly statement: Statement;
}

/**
 * Who watches a run from inside. Each is awaited, so time spent there is time that locks are held; what it throws ends the run
 * as the statement's failure would. A question that fails ends the open transaction.
 */
export interface RunObserver {
  /** In the open transaction, where the file has one, before the first statement. */
  begun?(file: ObservedFile): Promise<void>;
  /** In a no-transaction file, inside the transaction of the statement's own wherever it has one (`kind.alone` is false). */
  beforeStatement?(at: ObservedStatement): Promise<void>;
  /** As before it; not called for a statement that failed. */
  afterStatement?(at: ObservedStatement): Promise<void>;
  /**
   * Asked when the statement is about to be sent: whether `afterStatement` has something to do after it, as it has where this is
   * missing. If nobody has, nobody is called, and what comes next may be sent before the statement ended.
   */
  looksAfter?(at: ObservedStatement): boolean;
  /**
   * All statements ran and the history is written; all locks are still held. Only where `transaction` is true. Undefined when it has
   * nothing to ask: the commit then follows at once.
   */
  beforeCommit?(file: ObservedFile): Promise<void> | undefined;
  /** Committed, or without a transaction all done. */
  applied?(file: ObservedFile): Promise<void>;
}

/** What a run did, for what comes after the files. */
export interface FinishedRun {
  readonly runId: string;
  readonly server: ServerFacts;
  /** Versions and paths in the order applied; names of routines. */
  readonly versioned: readonly { readonly version: string; readonly file: string }[];
  readonly routines: readonly { readonly name: string; readonly change: 'new' | 'changed' | 'remade' }[];
  /** Between files: no transaction is open, and the migration lock is held. */
  readonly session: Queryable;
}

/** Done under the migration lock when all is applied. What it throws is a warning of the run: nothing is undone by it. */
export type AfterRun = (run: FinishedRun) => Promise<void>;
