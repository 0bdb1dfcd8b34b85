import type { Clock } from '../../base/clock.ts';
import { DbadminError } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { lockLevel } from '../effects/lock-modes.ts';
import type { ObservedFile, ObservedStatement, RunObserver } from '../hooks.ts';
import { statementSha, type Statement } from '../files/migration.ts';
import type { Queryable } from '../session/session.ts';
import { readCatalog, readCountedRows, readLocksOf, readOwnLocks, readSizes, rewritesBetween, type Catalog } from './catalog.ts';
import type { RehearsedFile, RehearsedStatement, Rewrite } from './record.ts';
import {
  endTransaction,
  foreseenLocks,
  releaseRolledBack,
  strongestFirst,
  takesOtherFiles,
  type MeasuredFile,
  type MeasuredStatement,
  type OpenSpan,
} from './measured-file.ts';
import { LockSampler } from './sample-run.ts';
import { longestBlocks } from './spans.ts';

const TEXT_WIDTH = 200;
const REWRITE_ORDER: readonly Rewrite['kind'][] = ['table', 'toast', 'index'];

interface Begun {
  readonly atMs: number;
  readonly lsn: bigint;
  readonly sampler: LockSampler | undefined;
  readonly before: Catalog | undefined;
}

/**
 * Watches a run from inside and writes down what each statement took, held, wrote and cost.
 *
 * In a transaction nothing is guessed: its own locks are read after each statement, and they stay until the end. A statement
 * that has no transaction is looked at from `watcher`, another session of a superuser, every few milliseconds; a lock that came and
 * went between two looks is known from the statement itself, and counts as held all the time. The time that these questions take
 * counts for nobody.
 */
export class Measurement implements RunObserver {
  readonly #watcher: Queryable;
  readonly #clock: Clock;
  readonly #historySchema: string;
  readonly #measured: MeasuredFile[] = [];
  readonly #sizes = new Map<number, number>();
  #ownMs = 0;
  #begun: Begun | undefined;

  constructor(watcher: Queryable, clock: Clock, historySchema: string) {
    this.#watcher = watcher;
    this.#clock = clock;
    this.#historySchema = historySchema;
  }

  async begun(file: ObservedFile): Promise<void> {
    await this.#aside(async (atMs) => {
      const catalog = await readCatalog(this.#watcher, this.#historySchema);
      const unknown = [...catalog.values()].filter(({ oid, kind }) => !this.#sizes.has(oid) && kind !== 'view' && kind !== 'foreign table');
      const sizes = await readSizes(
        this.#watcher,
        unknown.map(({ oid }) => oid),
      );
      for (const [oid, bytes] of sizes) this.#sizes.set(oid, bytes);
      const [row] = await file.session.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
      const startLsn = await this.#lsn();
      const last = this.#measured.at(-1);
      if (last?.applied === false) {
        // Another's lock ended the attempt before: without a transaction it goes on, else it was rolled back and begins anew.
        if (!file.transaction) return;
        this.#measured.pop();
      }
      this.#measured.push({
        file,
        pid: row?.pid ?? 0,
        catalog,
        startedMs: atMs,
        startLsn,
        statements: [],
        spans: [],
        held: new Map(),
        files: new Map([...catalog.values()].map(({ oid, files }) => [oid, files])),
        changedRows: await readCountedRows(file.session),
        endedMs: atMs,
        endLsn: startLsn,
        applied: false,
      });
    });
  }

  async beforeStatement(at: ObservedStatement): Promise<void> {
    const file = this.#current();
    const isAlone = !file.file.transaction && at.statement.kind.alone;
    await this.#aside(async (atMs) => {
      // The statement before had a transaction of its own, which is over.
      if (!file.file.transaction) endTransaction(file, atMs);
      if (!file.file.transaction && !isAlone) file.changedRows = await readCountedRows(at.session);
      const before = isAlone ? await readCatalog(this.#watcher, this.#historySchema) : undefined;
      // Asked for the first time the question takes longer than the statement may.
      if (isAlone) await readLocksOf(this.#watcher, file.pid);
      this.#begun = { atMs, lsn: await this.#lsn(), sampler: undefined, before };
    });
    const startMs = this.#nowMs();
    const sampler = isAlone ? new LockSampler(this.#watcher, file.pid, this.#clock, () => this.#nowMs()) : undefined;
    if (this.#begun !== undefined) this.#begun = { ...this.#begun, atMs: startMs, sampler };
  }

  async afterStatement(at: ObservedStatement): Promise<void> {
    const file = this.#current();
    const begun = this.#begun;
    this.#begun = undefined;
    if (begun === undefined) return;
    await this.#aside(async (untilMs) => {
      const { atMs: fromMs, sampler, before } = begun;
      const sampled = await sampler?.stop();
      const walBytes = Number((await this.#lsn()) - begun.lsn);
      const base = { file: at.file, statement: at.statement, fromMs, untilMs, walBytes };
      if (sampled !== undefined && before !== undefined) {
        const by = file.statements.length;
        const after = await readCatalog(this.#watcher, this.#historySchema);
        const written = [...before.values()].flatMap((relation) => {
          const now = after.get(relation.oid);
          return now === undefined ? [] : [{ relation, rewrites: rewritesBetween(relation, relation.files, now.files) }];
        });
        const rewrites = written.flatMap((each) => each.rewrites);
        const spans = sampled.flatMap((lock) => {
          const relation = file.catalog.get(lock.oid);
          return relation === undefined
            ? []
            : [{ relation, by, mode: lock.mode, fromMs: lock.fromMs, untilMs: Math.min(lock.untilMs, untilMs) }];
        });
        // Whatever ended between two looks cannot have been written anew without this lock.
        for (const { relation } of written.filter((each) => each.rewrites.length > 0)) {
          const isSeen = spans.some(({ relation: seen, mode }) => seen.oid === relation.oid && mode === 'AccessExclusive');
          if (!isSeen && file.catalog.has(relation.oid)) spans.push({ relation, by, mode: 'AccessExclusive', fromMs, untilMs });
        }
        for (const { relation, mode } of foreseenLocks(at.statement, file.catalog)) {
          if (!spans.some(({ relation: seen }) => seen.oid === relation.oid)) spans.push({ relation, by, mode, fromMs, untilMs });
        }
        file.spans.push(...spans);
        file.files = new Map([...after.values()].map(({ oid, files }) => [oid, files]));
        file.statements.push({ ...base, rows: null, seen: 'sampled', spans, rewrites });
      } else file.statements.push({ ...base, seen: 'exact', ...(await this.#readTransaction(at, file, fromMs)) });
    });
  }

  async applied(): Promise<void> {
    await this.#aside(async (atMs) => {
      const file = this.#current();
      endTransaction(file, atMs);
      file.endedMs = atMs;
      file.endLsn = await this.#lsn();
      file.applied = true;
    });
  }

  /** What was measured. The file that failed, if one did, comes last, and its locks end here. */
  async end(): Promise<{ readonly files: readonly RehearsedFile[]; readonly statements: readonly (readonly Statement[])[] }> {
    await this.#begun?.sampler?.stop().catch(() => []);
    for (const file of this.#measured.filter(({ applied }) => !applied)) {
      file.endedMs = file.statements.at(-1)?.untilMs ?? file.startedMs;
      file.endLsn = file.startLsn + BigInt(file.statements.reduce((sum, { walBytes }) => sum + walBytes, 0));
      endTransaction(file, file.endedMs);
    }
    return {
      files: this.#measured.map((file) => this.#rehearsed(file)),
      statements: this.#measured.map(({ statements }) => statements.map(({ statement }) => statement)),
    };
  }

  async #readTransaction(
    at: ObservedStatement,
    file: MeasuredFile,
    fromMs: number,
  ): Promise<Pick<MeasuredStatement, 'rows' | 'spans' | 'rewrites'>> {
    const held = await readOwnLocks(at.session, this.#historySchema);
    const made = new Set(held.filter(({ oid }) => !file.catalog.has(oid)).map(({ name }) => name));
    const by = file.statements.length;
    const spans: OpenSpan[] = [];
    const rewrites: Rewrite[] = [];
    let rows = 0;
    for (const { oid, mode, files, changedRows } of held) {
      rows += Math.max(0, changedRows - (file.changedRows.get(oid) ?? 0));
      file.changedRows.set(oid, changedRows);
      const relation = file.catalog.get(oid);
      if (relation === undefined) continue;
      const known = file.files.get(oid);
      if (known !== undefined && files !== undefined && !takesOtherFiles(at.statement))
        rewrites.push(...rewritesBetween(relation, known, files));
      // An index on a column that gets another type is dropped, and built again under its name.
      if (known !== undefined && files === undefined && relation.kind === 'index' && made.has(relation.name))
        rewrites.push({ relation: relation.name, kind: 'index' });
      if (files === undefined) file.files.delete(oid);
      else file.files.set(oid, files);
      const before = file.held.get(oid);
      if (before !== undefined && lockLevel(before.mode) >= lockLevel(mode)) continue;
      const span = { relation, mode, by, fromMs, untilMs: Number.POSITIVE_INFINITY };
      file.held.set(oid, span);
      file.spans.push(span);
      spans.push(span);
    }
    releaseRolledBack(file, new Map(held.map(({ oid, mode }) => [oid, mode])), fromMs);
    return { rows, spans, rewrites };
  }

  #rehearsed(file: MeasuredFile): RehearsedFile {
    const { kind, version, path, transaction } = file.file;
    const last = file.statements.at(-1);
    return {
      kind,
      version: version ?? null,
      path,
      transaction,
      applied: file.applied,
      tookMs: file.endedMs - file.startedMs,
      walBytes: Number(file.endLsn - file.startLsn),
      commitMs: Math.max(0, file.endedMs - (last?.untilMs ?? file.startedMs)),
      statements: file.statements.map((each) => this.#rehearsedStatement(each)),
      blocked: longestBlocks(
        file.spans.map(({ relation, mode, by, fromMs, untilMs }) => ({ table: relation.table, mode, by, fromMs, untilMs })),
        file.statements,
      ),
    };
  }

  #rehearsedStatement({ statement, file, fromMs, untilMs, walBytes, rows, seen, spans, rewrites }: MeasuredStatement): RehearsedStatement {
    return {
      file,
      number: statement.number,
      line: statement.line,
      sha256: statementSha(statement),
      command: statement.kind.command,
      object: statement.kind.object ?? null,
      text: statement.text
        .slice(0, TEXT_WIDTH * 4)
        .replaceAll(/\s+/g, ' ')
        .slice(0, TEXT_WIDTH),
      tookMs: untilMs - fromMs,
      walBytes,
      rows,
      seen,
      locks: strongestFirst(spans).map(({ relation, mode, fromMs: takenMs, untilMs: givenUpMs }) => ({
        relation: relation.name,
        relationKind: relation.kind,
        table: relation.table,
        mode,
        heldMs: givenUpMs - takenMs,
        sizeBytes: this.#sizes.get(relation.oid) ?? null,
        rows: relation.rows ?? null,
      })),
      rewrites: rewrites.toSorted(
        (a, b) => REWRITE_ORDER.indexOf(a.kind) - REWRITE_ORDER.indexOf(b.kind) || (a.relation < b.relation ? -1 : 1),
      ),
    };
  }

  #current(): MeasuredFile {
    const file = this.#measured.at(-1);
    if (file === undefined) throw new DbadminError('internal', 'a statement ran outside of any file');
    return file;
  }

  async #lsn(): Promise<bigint> {
    const [row] = await this.#watcher.query<{ lsn: string }>('select pg_catalog.pg_current_wal_insert_lsn()::text as lsn');
    return parseLsn(row?.lsn ?? '0/0');
  }

  #nowMs(): number {
    return this.#clock.now().getTime() - this.#ownMs;
  }

  /** Does what is no part of the run, with the moment at which it began; the time it takes is taken out. */
  async #aside(work: (atMs: number) => Promise<void>): Promise<void> {
    const startedMs = this.#clock.now().getTime();
    try {
      await work(startedMs - this.#ownMs);
    } finally {
      this.#ownMs += this.#clock.now().getTime() - startedMs;
    }
  }
}
