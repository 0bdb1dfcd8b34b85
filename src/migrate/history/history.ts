import { sortKey } from '../files/names.ts';
import { parseMoment } from '../../postgres/moment.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';

export type HistoryKind = 'versioned' | 'routine' | 'seed' | 'baseline' | 'repair' | 'down';

/** A row of `migration_history`, without its body. */
export interface HistoryRow {
  readonly seq: string;
  readonly runId: string;
  readonly kind: HistoryKind;
  /** Undefined for routines. */
  readonly version: string | undefined;
  /** File name of a versioned file; `schema/name` of a routine. */
  readonly name: string;
  /** Set for one statement of a no-transaction file; undefined for the whole file. */
  readonly statementNo: number | undefined;
  readonly sha256: string;
  readonly startedAt: Date;
  /** Undefined: the statement was begun, and nobody wrote down that it ended. */
  readonly finishedAt: Date | undefined;
  readonly appliedBy: string;
}

/** What is applied now, folded from the rows. */
export interface History {
  /** By version. */
  readonly applied: ReadonlyMap<string, HistoryRow>;
  /** The latest state of each routine, by name. */
  readonly routines: ReadonlyMap<string, HistoryRow>;
  /** No-transaction files that are begun and not finished: their statements, by version and number. */
  readonly begun: ReadonlyMap<string, ReadonlyMap<number, BegunStatement>>;
  /** No-transaction files whose undoing is begun and not finished: the statements of their down sections. They count as applied. */
  readonly undoing: ReadonlyMap<string, ReadonlyMap<number, BegunStatement>>;
}

/** A statement of a no-transaction file that ran, or may have. */
export interface BegunStatement {
  readonly sha256: string;
  readonly finished: boolean;
}

export const EMPTY_HISTORY: History = { applied: new Map(), routines: new Map(), begun: new Map(), undoing: new Map() };

/** Folds rows in the order of `seq` into what holds now. A `down` row takes its version away again. */
export function foldHistory(rows: readonly HistoryRow[]): History {
  const applied = new Map<string, HistoryRow>();
  const routines = new Map<string, HistoryRow>();
  const begun = new Map<string, Map<number, BegunStatement>>();
  const undoing = new Map<string, Map<number, BegunStatement>>();
  for (const row of rows) {
    if (row.kind === 'routine') routines.set(row.name, row);
    if (row.version === undefined) continue;
    if (row.statementNo !== undefined) {
      const files = row.kind === 'down' ? undoing : begun;
      const statements = files.get(row.version) ?? new Map<number, BegunStatement>();
      statements.set(row.statementNo, { sha256: row.sha256, finished: row.finishedAt !== undefined });
      files.set(row.version, statements);
    } else if (row.kind === 'down') {
      applied.delete(row.version);
      end(begun, row.version);
      end(undoing, row.version);
    } else if (row.kind === 'versioned' || row.kind === 'baseline' || row.kind === 'repair') {
      applied.set(row.version, row);
      end(begun, row.version);
    }
  }
  return { applied, routines, begun, undoing };
}

/** Whatever zeros the number was written with when it was begun. */
function end(files: Map<string, unknown>, version: string): void {
  for (const key of files.keys()) if (sortKey(key) === sortKey(version)) files.delete(key);
}

/** The history's table in `schema`, quoted. */
export function historyTable(schema: string): string {
  return `${quoteIdentifier(schema)}.migration_history`;
}

/** Query for every row without its body, in order; see {@link readHistoryRow}. */
export function selectHistorySql(schema: string): string {
  return `select seq::text as seq, run_id::text as run_id, kind, version, name, statement_no, encode(sha256, 'hex') as sha256,
  pg_catalog.to_json(started_at) as started_at, pg_catalog.to_json(finished_at) as finished_at, applied_by from ${historyTable(schema)} as history
  -- Not "order by seq": that would be the text, with 10 before 9.
  order by history.seq`;
}

/** A row as PostgreSQL's client gives it. */
export interface HistoryRecord {
  readonly seq: string;
  readonly run_id: string;
  readonly kind: HistoryKind;
  readonly version: string | null;
  readonly name: string;
  readonly statement_no: number | null;
  readonly sha256: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly applied_by: string;
}

export function readHistoryRow(record: HistoryRecord): HistoryRow {
  return {
    seq: record.seq,
    runId: record.run_id,
    kind: record.kind,
    version: record.version ?? undefined,
    name: record.name,
    statementNo: record.statement_no ?? undefined,
    sha256: record.sha256,
    startedAt: new Date(record.started_at),
    finishedAt: parseMoment(record.finished_at),
    appliedBy: record.applied_by,
  };
}
