import { DbadminError } from '../base/errors.ts';
import { alreadyDone, concurrentIndexOf, dropInvalidIndex, findIndex } from './indexes.ts';
import { statementSha, type Statement } from './migration.ts';
import { nodeType } from './parser.ts';
import type { PendingMigration } from './plan.ts';
import { recordHistory, type HistoryEntry, type RunIdentity } from './record.ts';
import type { RetryContext } from './retry.ts';
import { runStatement } from './run-statement.ts';
import type { Session } from './session.ts';
import { BEFORE_RECORD_SQL, beginFile, type SessionSettings } from './settings.ts';
import { statementError } from './sql-error.ts';

export interface ApplyContext extends RetryContext {
  readonly session: Session;
  readonly settings: SessionSettings;
  readonly run: RunIdentity;
}

/** A file that was applied by this run. */
export interface AppliedFile {
  readonly version: string;
  readonly file: string;
  /** How many statements this run ran; fewer than the file has when it went on where another stopped. */
  readonly statements: number;
  readonly attempts: number;
  readonly lockWaitMs: number;
  readonly tookMs: number;
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
  #interrupted: number | undefined;
  #lockWaitMs = 0;
  #startedMs = 0;
  #ran = 0;
  #current: Statement | undefined;

  constructor(migration: PendingMigration, context: ApplyContext) {
    this.#migration = migration;
    this.#context = context;
    this.path = migration.file.path;
    this.transaction = migration.parsed.directives.transaction;
    this.#finished = new Set(migration.finished);
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
        await run(statement);
      }),
    ];
  }

  /** The row of the whole file: in its transaction, or after the last statement of a no-transaction file. */
  async record(): Promise<void> {
    const { name, file } = this.#migration;
    this.#current = undefined;
    const entry = { statementNo: undefined, sha256: file.sha256, body: file.text, tookMs: this.#tookMs() };
    const { session } = this.#context;
    await session.query(this.transaction ? BEFORE_RECORD_SQL : `begin; ${BEFORE_RECORD_SQL}`);
    await this.#record({ ...entry, name: name.file });
    if (this.transaction) return;
    await session.query('commit');
    this.#done();
  }

  async commit(): Promise<void> {
    const tag = await this.#context.session.command('commit');
    if (tag !== 'COMMIT')
      throw new DbadminError('migration-failed', `${this.path}: the server answered ${tag} to COMMIT; nothing of it is applied`);
    this.#done();
  }

  /** The failure as the reader of the file sees it. */
  describe(error: unknown): unknown {
    const { file, parsed } = this.#migration;
    const statement = this.#current ?? parsed.statements.at(-1);
    return statement === undefined ? error : statementError(file, statement, error, this.#context.session.lost());
  }

  lostToLocks(pauseMs: number): void {
    this.#lockWaitMs += this.#tookMs() + pauseMs;
    this.attempts += 1;
  }

  async #begin(): Promise<void> {
    const { session, settings, clock } = this.#context;
    this.#startedMs = clock.now().getTime();
    this.#ran = 0;
    await beginFile(session, settings, this.#migration.parsed.directives, this.path);
  }

  async #runInTransaction(statement: Statement): Promise<void> {
    await runStatement(this.#context.session, this.#migration.file, statement);
    this.#ran += 1;
  }

  /** A statement of a no-transaction file. Where PostgreSQL allows, its row is in its transaction; else a row before says that it began. */
  async #runAndRecord(statement: Statement): Promise<void> {
    const { session, log } = this.#context;
    const isSetting = nodeType(statement.node ?? {}).type === 'VariableSetStmt';
    if (this.#finished.has(statement.number)) {
      // What it set is gone with the session that set it.
      if (isSetting) await runStatement(session, this.#migration.file, statement);
      return;
    }
    const startedMs = this.#context.clock.now().getTime();
    const took = (): number => this.#context.clock.now().getTime() - startedMs;
    if (isSetting) await runStatement(session, this.#migration.file, statement);
    else if (!statement.kind.alone) {
      await session.query('begin');
      await runStatement(session, this.#migration.file, statement);
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
    if (isSetting || statement.kind.alone) await this.#recordApart(statement, took());
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
      await runStatement(session, this.#migration.file, statement);
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
  async #recordApart(statement: Statement, tookMs: number | undefined): Promise<void> {
    const { session } = this.#context;
    await session.query(`begin; ${BEFORE_RECORD_SQL}`);
    await this.#recordStatement(statement, tookMs);
    await session.query('commit');
  }

  async #recordStatement(statement: Statement, tookMs: number | undefined): Promise<void> {
    const body = statement.copyData === undefined ? statement.text : `${statement.text};\n${statement.copyData}`;
    const name = this.#migration.name.file;
    await this.#record({ name, statementNo: statement.number, sha256: statementSha(statement), body, tookMs });
  }

  async #record(entry: Omit<HistoryEntry, 'kind' | 'version' | 'attempts' | 'lockWaitMs'>): Promise<void> {
    const { session, run } = this.#context;
    const { version } = this.#migration.name;
    await recordHistory(session, run, { ...entry, kind: 'versioned', version, attempts: this.attempts, lockWaitMs: this.#lockWaitMs });
  }

  #tookMs(): number {
    return this.#context.clock.now().getTime() - this.#startedMs;
  }

  #done(): void {
    const { name } = this.#migration;
    const counts = { statements: this.#ran, attempts: this.attempts, lockWaitMs: Math.round(this.#lockWaitMs), tookMs: this.#tookMs() };
    this.applied = { version: name.version, file: name.file, ...counts };
  }
}
