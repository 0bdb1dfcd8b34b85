import { DbadminError, isDbadminError } from '../base/errors.ts';
import type { GrantKeeper } from './grants/apply.ts';
import { heldLocksSql, LockTimes, longestLocks, type HeldLock } from './watch/held-locks.ts';
import { onlyNew, type OnlyNew } from './effects/only-new.ts';
import type { ObservedFile, RunObserver } from './hooks.ts';
import { alreadyDone, concurrentIndexOf, dropInvalidIndex, findIndex } from './repair/indexes.ts';
import { statementSha, type Statement } from './files/migration.ts';
import { changesSettings } from './sql/classify.ts';
import type { PendingMigration } from './plan.ts';
import { recordHistory, type HistoryEntry, type RunIdentity } from './history/record.ts';
import type { RetryContext } from './session/retry.ts';
import { runStatement } from './session/run-statement.ts';
import { isForgotten, type Queryable, type Session } from './session/session.ts';
import { BEFORE_RECORD_SQL, beginFile, type SessionSettings } from './session/settings.ts';
import { statementError, withRemains } from './session/sql-error.ts';
import type { Watch } from './watch/watch.ts';

export interface ApplyContext extends RetryContext {
  readonly session: Session;
  readonly settings: SessionSettings;
  readonly run: RunIdentity;
  readonly observer?: RunObserver | undefined;
  readonly watch?: Watch | undefined;
  /** Remembers what dropped objects carried, for those that take their place in this run. */
  readonly grants?: GrantKeeper | undefined;
}

/** A file of more statements is not sent ahead: what is in flight lies in memory here and in the server. */
const SENT_AHEAD_AT_MOST = 20;

/** A file that was applied by this run. */
export interface AppliedFile {
  readonly version: string;
  readonly file: string;
  /** How many statements this run ran; fewer than the file has when it went on where another stopped. */
  readonly statements: number;
  readonly attempts: number;
  readonly lockWaitMs: number;
  readonly tookMs: number;
  /** Locks on tables that were there before, and how long they were held. */
  readonly locks: readonly HeldLock[];
}

/** One versioned file on its way into the database: its steps, and what is known about them so far. */
export class FileRun {
  readonly path: string;
  readonly transaction: boolean;
  attempts = 1;
  applied: AppliedFile | undefined;
  readonly #migration: PendingMigration;
  readonly #context: ApplyContext;
  readonly #finished: Set<number>;
  readonly #onlyNew: OnlyNew;
  /** Prepared only where a transaction is tried again as a whole. */
  readonly #asks: Queryable;
  #interrupted: number | undefined;
  #lockWaitMs = 0;
  #startedMs = 0;
  #ran = 0;
  #lockTimes = new LockTimes(0);
  #locks: readonly HeldLock[] = [];
  #current: Statement | undefined;
  /** What was sent and may not be answered yet: the beginning of the transaction, its last statement, the row of the history. */
  #begun: Promise<void> | undefined;
  #ended: Promise<void> = Promise.resolve();
  #recorded: Promise<void> = Promise.resolve();
  /** The file after this one, while its transaction may be begun behind the COMMIT of this one. */
  #next: FileRun | undefined;
  /** Set where all but the COMMIT is sent behind that of the file before: resolves when it is sent. */
  #ahead: Promise<void> | undefined;

  constructor(migration: PendingMigration, context: ApplyContext) {
    this.#migration = migration;
    this.#context = context;
    this.path = migration.file.path;
    this.transaction = migration.parsed.directives.transaction;
    this.#asks = this.transaction ? context.session.prepared : context.session;
    this.#finished = new Set(migration.finished);
    this.#onlyNew = onlyNew(migration.parsed.statements);
    this.#interrupted = migration.interrupted;
  }

  /** What is to be done now, in order. */
  steps(): readonly (() => Promise<void>)[] {
    const { statements } = this.#migration.parsed;
    const run = this.transaction
      ? (statement: Statement) => this.#runInTransaction(statement)
      : (statement: Statement) => this.#runAndRecord(statement);
    return [
      async () => await this.#begin(),
      ...statements.map((statement) => async () => {
        this.#current = statement;
        if (this.#ahead === undefined) await run(statement);
      }),
    ];
  }

  /** The row of the whole file: in its transaction, where it is answered by `commit`, or after the last statement of a no-transaction file. */
  async record(): Promise<void> {
    this.#current = undefined;
    await this.#ahead;
    // Only in a transaction with the settings it should have may anything come to stay.
    await this.#begun;
    if (this.#ahead !== undefined) return;
    if (this.transaction) {
      this.#sendRecord();
      return;
    }
    const { session, observer } = this.#context;
    await session.query(`begin; ${BEFORE_RECORD_SQL}`);
    await this.#record(this.#entry(), this.#locks);
    await session.query('commit');
    this.#done();
    await observer?.applied?.(this.#observed());
  }

  #entry(): Pick<HistoryEntry, 'name' | 'statementNo' | 'sha256' | 'body' | 'tookMs'> {
    const { name, file } = this.#migration;
    return { name: name.file, statementNo: undefined, sha256: file.sha256, body: file.text, tookMs: this.#tookMs() };
  }

  #sendRecord(): void {
    const ready = this.#context.session.query(BEFORE_RECORD_SQL);
    const entry = { ...this.#entry(), inTransaction: true, asksLocks: !this.#onlyNew.all };
    this.#recorded = Promise.all([ready, this.#record(entry, this.#locks)]).then(() => undefined);
    // `commit` tells it.
    this.#recorded.catch(() => undefined);
  }

  /**
   * Commits. The transaction of `next` is begun right behind. What runs in it before this is known to have gone well makes new things
   * only, and is rolled back when it has not: its own COMMIT is sent when the answer to this one is there.
   */
  async commit(next: FileRun | undefined): Promise<void> {
    const { observer, session } = this.#context;
    const looking = observer?.beforeCommit?.(this.#observed());
    const ending = looking === undefined ? session.command('commit') : looking.then(async () => await session.command('commit'));
    if (looking === undefined) this.#beginNext(next);
    const [last, recorded, ended] = await Promise.allSettled([this.#ended, this.#recorded, ending]);
    // In the order in which they were sent: what came after a failure fails because of it.
    for (const each of [last, recorded, ended]) if (each.status === 'rejected') throw each.reason;
    const tag = ended.status === 'fulfilled' ? ended.value : '';
    if (tag !== 'COMMIT')
      throw new DbadminError('migration-failed', `${this.path}: the server answered ${tag} to COMMIT; nothing of it is applied`);
    this.#next = undefined;
    this.#done();
    await observer?.applied?.(this.#observed());
  }

  #beginNext(next: FileRun | undefined): void {
    if (next?.transaction !== true) return;
    this.#next = next;
    next.#send();
    if (!next.#mayGoAhead()) return;
    next.#ahead = next.#sendAhead();
    // `record` tells it.
    next.#ahead.catch(() => undefined);
  }

  /** Whether it waits for nobody, runs no code of anybody's, and nobody wants to look between its statements. */
  #mayGoAhead(): boolean {
    const { statements } = this.#migration.parsed;
    return this.#onlyNew.all && statements.length <= SENT_AHEAD_AT_MOST && statements.every((statement) => !this.#isLookedAfter(statement));
  }

  /** Sends the statements and the row of the history, so that the server need not wait for us between two files. */
  async #sendAhead(): Promise<void> {
    this.#reset();
    await this.#context.observer?.begun?.(this.#observed());
    const running: Promise<void>[] = [];
    for (const statement of this.#migration.parsed.statements) {
      await this.#runUnawaited(statement);
      running.push(this.#ended);
    }
    this.#ended = Promise.all(running).then(() => undefined);
    this.#ended.catch(() => undefined);
    this.#ran = running.length;
    this.#sendRecord();
  }

  /** The failure as the reader of the file sees it. */
  describe(error: unknown): unknown {
    const { file, parsed } = this.#migration;
    const statement = this.#current ?? parsed.statements.at(-1);
    const failure = statement === undefined ? error : statementError(file, statement, error, this.#context.session.lost());
    return isDbadminError(failure, 'migration-failed') ? this.withRemains(failure) : failure;
  }

  /** The failure, with what is left of the file. */
  withRemains(failure: DbadminError): DbadminError {
    const next = (this.#current ?? this.#migration.parsed.statements.at(-1))?.number ?? 1;
    return withRemains(failure, { kind: this.#migration.kind, done: this.transaction ? 0 : this.#finished.size, next });
  }

  /** Waits until all that was sent is answered, that of the next file included, which begins anew then. */
  async settled(): Promise<void> {
    await this.#ahead?.catch(() => undefined);
    await Promise.allSettled([this.#begun, this.#ended, this.#recorded]);
    this.#begun = this.#ahead = undefined;
    await this.#next?.settled();
    this.#next = undefined;
  }

  /** Whether the attempt failed only because the file took away what the session had prepared; the next does without it. */
  forgot(error: unknown): boolean {
    return this.transaction && isForgotten(error);
  }

  /** Called after the pause that follows a lost attempt: both count as waiting. */
  lostToLocks(): void {
    this.#lockWaitMs += this.#tookMs();
    this.attempts += 1;
  }

  #reset(): void {
    this.#ran = 0;
    this.#locks = [];
    this.#ended = this.#recorded = Promise.resolve();
    this.#context.watch?.forgetWaits();
  }

  async #begin(): Promise<void> {
    if (this.#ahead !== undefined) return;
    this.#reset();
    if (this.#begun === undefined) this.#send();
    // With a transaction the first statement goes right behind, and whoever sends it tells what became of this.
    if (!this.transaction) await this.#begun;
    await this.#context.observer?.begun?.(this.#observed());
  }

  /** Sends what the file begins with. */
  #send(): void {
    const { session, settings } = this.#context;
    this.#startedMs = this.#nowMs();
    this.#lockTimes = new LockTimes(this.#startedMs);
    this.#begun = beginFile(session, settings, this.#migration.parsed.directives, this.path, this.#finished.size > 0);
    this.#begun.catch(() => undefined);
  }

  #observed(): ObservedFile {
    const { version } = this.#migration.name;
    const { session } = this.#context;
    return { kind: 'versioned', path: this.path, version, transaction: this.transaction, attempt: this.attempts, session };
  }

  async #runInTransaction(statement: Statement): Promise<void> {
    const isLast = this.#migration.parsed.statements.length === statement.number;
    try {
      if (isLast && this.#onlyNew.last) await this.#runUnawaited(statement);
      else await this.#runObserved(statement);
    } finally {
      await this.#begun;
    }
    this.#ran += 1;
    // The last question is asked when the history is written.
    if (isLast || !this.#lockTimes.isDue(this.#nowMs())) return;
    const { session, run } = this.#context;
    const held = await session.query<{ relation: string; mode: string }>(heldLocksSql('$1'), [run.schema]);
    this.#lockTimes.note(held, this.#nowMs(), this.#waits());
  }

  #isLookedAfter(statement: Statement): boolean {
    const { observer } = this.#context;
    return observer?.afterStatement !== undefined && observer.looksAfter?.({ ...this.#observed(), file: this.path, statement }) !== false;
  }

  /**
   * Sends a statement and does not wait for its end, where nothing needs to know it before the history is written: should it fail,
   * the server refuses what is behind it, the row and the COMMIT too.
   */
  async #runUnawaited(statement: Statement): Promise<void> {
    const { observer } = this.#context;
    const at = { ...this.#observed(), file: this.path, statement };
    await observer?.beforeStatement?.(at);
    const running = this.#run(statement);
    if (!this.#isLookedAfter(statement)) {
      this.#ended = running;
      // `commit` tells it.
      this.#ended.catch(() => undefined);
      return;
    }
    await running;
    await observer?.afterStatement?.(at);
  }

  /** The observer is asked right beside the statement: inside the transaction wherever there is one. */
  async #runObserved(statement: Statement): Promise<void> {
    const { observer } = this.#context;
    const at = { ...this.#observed(), file: this.path, statement };
    await observer?.beforeStatement?.(at);
    await this.#run(statement);
    await observer?.afterStatement?.(at);
  }

  async #run(statement: Statement): Promise<void> {
    const { session, watch, settings } = this.#context;
    const lockTimeoutMs = this.#migration.parsed.directives.lockTimeoutMs ?? settings.lockTimeoutMs;
    await runStatement(session, this.#migration.file, statement, watch === undefined ? undefined : { by: watch, lockTimeoutMs });
  }

  /** A statement of a no-transaction file. Where PostgreSQL allows, its row is in its transaction; else a row before says that it began. */
  async #runAndRecord(statement: Statement): Promise<void> {
    const { session, log } = this.#context;
    const isSetting = changesSettings(statement.node ?? {});
    if (this.#finished.has(statement.number)) {
      // What it set is gone with the session that set it.
      if (isSetting) await this.#run(statement);
      return;
    }
    const startedMs = this.#nowMs();
    const took = (): number => this.#nowMs() - startedMs;
    this.#lockTimes = new LockTimes(startedMs);
    if (isSetting) await this.#runObserved(statement);
    else if (!statement.kind.alone) {
      await session.query('begin');
      await this.#runObserved(statement);
      await session.query(BEFORE_RECORD_SQL);
      await this.#recordStatement(statement, took());
      await session.query('commit');
    } else if (this.#interrupted === statement.number && (await alreadyDone(session, statement))) {
      log.info(`${this.path}:${statement.line}: an interrupted run had finished ${statement.kind.command}; going on after it`);
    } else {
      if (this.#interrupted !== statement.number) await this.#recordApart(statement, undefined);
      this.#interrupted = statement.number;
      await this.#runAlone(statement);
    }
    if (isSetting || statement.kind.alone) {
      const heldMs = took();
      const seen = this.#context.watch?.held() ?? [];
      await this.#recordApart(statement, heldMs, statement.kind.alone ? seen.map((lock) => ({ ...lock, heldMs })) : []);
    }
    this.#finished.add(statement.number);
    this.#interrupted = undefined;
    this.#ran += 1;
  }

  async #runAlone(statement: Statement): Promise<void> {
    const { session, log, settings } = this.#context;
    const { directives } = this.#migration.parsed;
    const index = concurrentIndexOf(statement);
    // Waiting for old snapshots counts as waiting for a lock, blocks nobody, and giving up leaves an INVALID index.
    const patient = statement.kind.command.endsWith('CONCURRENTLY') && directives.lockTimeoutMs === undefined;
    if (patient) await session.query('set lock_timeout = 0');
    if (index !== undefined) await dropInvalidIndex(session, index, log);
    try {
      await this.#runObserved(statement);
    } catch (error) {
      if (index !== undefined && session.lost() === undefined) await dropInvalidIndex(session, index, log).catch(() => undefined);
      throw error;
    }
    if (patient) await session.query(`set lock_timeout = '${settings.lockTimeoutMs}ms'`);
    if (index === undefined || (await findIndex(session, index))?.valid === true) return;
    throw new DbadminError('migration-failed', `${this.path}:${statement.line}: index ${index.name} is there and INVALID`, {
      hint: 'Run the same command again: it drops the index and builds it anew.',
    });
  }

  /** The row of a statement that had no transaction, in one of its own. */
  async #recordApart(statement: Statement, tookMs: number | undefined, seen: readonly HeldLock[] = []): Promise<void> {
    const { session } = this.#context;
    await session.query(`begin; ${BEFORE_RECORD_SQL}`);
    await this.#recordStatement(statement, tookMs, seen);
    await session.query('commit');
  }

  async #recordStatement(statement: Statement, tookMs: number | undefined, seen: readonly HeldLock[] = []): Promise<void> {
    const body = statement.copyData === undefined ? statement.text : `${statement.text};\n${statement.copyData}`;
    const name = this.#migration.name.file;
    await this.#record({ name, statementNo: statement.number, sha256: statementSha(statement), body, tookMs }, seen);
  }

  async #record(entry: Omit<HistoryEntry, 'kind' | 'version' | 'attempts' | 'lockWaitMs'>, seen: readonly HeldLock[]): Promise<void> {
    const { run } = this.#context;
    const { kind, name } = this.#migration;
    const { version } = name;
    const locks = { ...this.#lockTimes.spans(this.#nowMs(), this.#waits()), before: seen };
    const attempted = { attempts: this.attempts, lockWaitMs: this.#lockWaitMs };
    const whole: HistoryEntry = { ...entry, file: this.path, kind: kind ?? 'versioned', version, ...attempted, locks };
    const held = await recordHistory(this.#asks, run, whole);
    this.#locks = longestLocks([...this.#locks, ...held]);
  }

  #waits(): ReadonlyMap<string, number> {
    return this.#context.watch?.waits() ?? new Map();
  }

  #nowMs(): number {
    return this.#context.clock.now().getTime();
  }

  #tookMs(): number {
    return this.#nowMs() - this.#startedMs;
  }

  #done(): void {
    const { name } = this.#migration;
    const counts = { statements: this.#ran, attempts: this.attempts, lockWaitMs: Math.round(this.#lockWaitMs), tookMs: this.#tookMs() };
    this.applied = { version: name.version, file: name.file, ...counts, locks: this.#locks };
  }
}
