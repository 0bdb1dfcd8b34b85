import { effectsOf } from '../effects/effects.ts';
import { NOTHING_KNOWN } from '../effects/known-objects.ts';
import { lockLevel, type LockMode } from '../effects/lock-modes.ts';
import { showRelation } from '../effects/relation-name.ts';
import type { ObservedFile } from '../hooks.ts';
import type { Statement } from '../files/migration.ts';
import { nodeType } from '../sql/parser.ts';
import type { Catalog, Relation } from './catalog.ts';
import type { RehearsedStatement, Rewrite } from './record.ts';

/** A lock; while it is held it ends at infinity. */
export interface OpenSpan {
  readonly relation: Relation;
  readonly mode: LockMode;
  readonly by: number;
  readonly fromMs: number;
  untilMs: number;
}

export interface MeasuredStatement {
  readonly file: string;
  readonly statement: Statement;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly walBytes: number;
  readonly rows: number | null;
  readonly seen: RehearsedStatement['seen'];
  readonly spans: readonly OpenSpan[];
  readonly rewrites: readonly Rewrite[];
}

/** A file while it is measured. */
export interface MeasuredFile {
  readonly file: ObservedFile;
  readonly pid: number;
  /** What was there before the file; nobody can wait for what it makes itself. */
  readonly catalog: Catalog;
  readonly startedMs: number;
  readonly startLsn: bigint;
  readonly statements: MeasuredStatement[];
  readonly spans: OpenSpan[];
  /** Locks of the transaction that is open, by relation. */
  held: Map<number, OpenSpan>;
  files: Map<number, Relation['files']>;
  changedRows: Map<number, number>;
  endedMs: number;
  endLsn: bigint;
  applied: boolean;
}

/** The locks that a statement takes by what it says, on what was there before: for what nobody saw, as it was over too soon. */
export function foreseenLocks(
  statement: Pick<Statement, 'node'>,
  catalog: Catalog,
): readonly { readonly relation: Relation; readonly mode: LockMode }[] {
  return effectsOf(statement, NOTHING_KNOWN).flatMap(({ relation: named, lock }) => {
    const name = showRelation(named);
    const found = [...catalog.values()].filter(
      (each) => each.name === name || (named.schema === undefined && each.name.endsWith(`.${name}`)),
    );
    const [relation] = found;
    // Of several in different schemas nobody can tell which one it was.
    return relation === undefined || found.length > 1 ? [] : [{ relation, mode: lock }];
  });
}

/** TRUNCATE takes an empty file, which costs nothing, and ROLLBACK TO SAVEPOINT the one from before. */
export function takesOtherFiles({ node }: Statement): boolean {
  return ['TruncateStmt', 'TransactionStmt'].includes(nodeType(node ?? {}).type);
}

/** ROLLBACK TO SAVEPOINT gives locks back: what is open is what is still held, and no stronger. */
export function releaseRolledBack(file: MeasuredFile, held: ReadonlyMap<number, LockMode>, atMs: number): void {
  for (const [oid, { mode }] of file.held) {
    const now = held.get(oid);
    if (now !== undefined && lockLevel(now) >= lockLevel(mode)) continue;
    const open = file.spans.filter(({ relation, untilMs }) => relation.oid === oid && untilMs === Number.POSITIVE_INFINITY);
    for (const span of open) if (now === undefined || lockLevel(span.mode) > lockLevel(now)) span.untilMs = atMs;
    const rest = open.findLast(({ untilMs }) => untilMs === Number.POSITIVE_INFINITY);
    if (rest === undefined) file.held.delete(oid);
    else file.held.set(oid, rest);
  }
}

export function endTransaction(file: MeasuredFile, atMs: number): void {
  for (const span of file.spans) if (span.untilMs === Number.POSITIVE_INFINITY) span.untilMs = atMs;
  file.held = new Map();
  file.changedRows = new Map();
}

/** One line for each relation: its strongest lock, and the longest of equals. */
export function strongestFirst(spans: readonly OpenSpan[]): readonly OpenSpan[] {
  const best = new Map<number, OpenSpan>();
  for (const span of spans) {
    const known = best.get(span.relation.oid);
    const isBetter =
      known === undefined ||
      lockLevel(span.mode) > lockLevel(known.mode) ||
      (span.mode === known.mode && span.untilMs - span.fromMs > known.untilMs - known.fromMs);
    if (isBetter) best.set(span.relation.oid, span);
  }
  return [...best.values()].sort((a, b) => lockLevel(b.mode) - lockLevel(a.mode) || (a.relation.name < b.relation.name ? -1 : 1));
}
