import type { HeapTuple } from '../../postgres/heap-tuple.ts';
import { RESOURCE_MANAGER } from '../../postgres/resource-managers.ts';
import { findFirstBlock, recordParts, type FirstBlock } from '../../postgres/wal-blocks.ts';
import type { WalRecord } from '../../postgres/wal-reader.ts';
import type { TransactionOutcome } from '../../postgres/wal-records.ts';
import type { CatalogReplay, RowChange } from './catalog-replay.ts';
import { classRow, inheritsRow, namedRow, type ClassRow } from './catalog-rows.ts';
import type { TableName } from './table-name.ts';

export interface DropEvent {
  readonly kind: 'dropped';
  readonly outcome: TransactionOutcome;
  /** A recovery that ends before the record at this position has the table. */
  readonly beforeLsn: bigint;
  readonly withDatabase: boolean;
}

/** What a committed transaction did to a table. */
export type TableEvent =
  | DropEvent
  | { readonly kind: 'created' | 'truncated' | 'rewritten' | 'renamed'; readonly outcome: TransactionOutcome }
  | { readonly kind: 'deleted'; readonly outcome: TransactionOutcome; readonly rows: number }
  /** Partitions whose rows are the table's no more, without the partitions of their own. */
  | {
      readonly kind: 'partition-dropped' | 'partition-detached';
      readonly outcome: TransactionOutcome;
      readonly partitions: readonly TableName[];
    };

interface Partition {
  readonly parent: number;
  readonly name: TableName;
}

const OPERATION = 0x70;
const DELETE = 0x10;
/** A failed ON CONFLICT insert takes itself back; a row that moves to another partition is not gone. */
const NO_REAL_DELETE = 0x08 | 0x10;

/**
 * Follows one table by its name through the WAL: when it was made, dropped, emptied, and how many rows were deleted by whom.
 *
 * The name is looked up in the catalogs as they were at each commit, so a table that is dropped and made again, renamed or
 * rewritten keeps its story, and so is the name of its database; what a transaction makes and drops itself was never there for others and is left out.
 */
export class TableWatch {
  readonly #catalog: CatalogReplay;
  readonly #name: TableName;
  readonly #major: number;
  readonly #countsDeletes: boolean;
  readonly #found: FirstBlock = { database: 0, relation: 0 };
  /** OIDs that the name means now; more than its own when it is partitioned: its partitions'. */
  #oids = new Set<number>();
  #counted = new Set<number>();
  #partitions: ReadonlyMap<number, Partition> = new Map();
  readonly #files = new Map<number, number>();
  /** Rows deleted, by transaction and OID. */
  readonly #deletes = new Map<number, Map<number, number>>();

  constructor(catalog: CatalogReplay, name: TableName, major: number, countsDeletes: boolean) {
    this.#catalog = catalog;
    this.#name = name;
    this.#major = major;
    this.#countsDeletes = countsDeletes;
    this.#lookUp();
  }

  /** Whether the table is there now. */
  get exists(): boolean {
    return this.#oids.size > 0;
  }

  wants(manager: number, info: number, bytes: Buffer, offset: number): boolean {
    if (this.#catalog.wants(manager, info, bytes, offset)) return true;
    if (!this.#countsDeletes || manager !== RESOURCE_MANAGER.heap || (info & OPERATION) !== DELETE) return false;
    const found = findFirstBlock(bytes, offset, this.#major, this.#found);
    return found === 'unknown' || (found === 'found' && this.#isCounted());
  }

  take(record: WalRecord): void {
    const { manager, info, bytes } = record;
    if (this.#catalog.wants(manager, info, bytes, 0)) {
      for (const row of this.#catalog.apply(record)) if (row.name === this.#name.table || this.#counted.has(row.oid)) this.#remember(row);
      return;
    }
    if (!this.wants(manager, info, bytes, 0)) return;
    const oid = this.#files.get(this.#found.relation);
    const { mainData } = recordParts(bytes, this.#major);
    if (oid === undefined || ((mainData[7] ?? 0) & NO_REAL_DELETE) !== 0) return;
    const counts = this.#deletes.get(record.xid) ?? new Map<number, number>();
    this.#deletes.set(record.xid, counts);
    counts.set(oid, (counts.get(oid) ?? 0) + 1);
  }

  /** A transaction has ended: what it did to the table, if it was committed. */
  end(outcome: TransactionOutcome): readonly TableEvent[] {
    const xids = [outcome.xid, ...outcome.subtransactions];
    const committed = outcome.kind.startsWith('commit');
    const changes = committed ? this.#catalog.changesOf(outcome) : [];
    const before = this.#counted;
    const [oids, partitions] = [this.#oids, this.#partitions];
    const events = changes.length === 0 ? [] : this.#eventsOf(changes, outcome);
    const { database } = this.#catalog;
    const existed = this.exists;
    this.#catalog.end(outcome);
    const isOther = this.#catalog.database !== database;
    if (isOther) this.#files.clear();
    if (changes.length > 0 && this.#concernsName(changes)) this.#lookUp();
    const told = isOther
      ? [...events, ...this.#eventsOfDatabase(existed ? database : undefined, outcome)]
      : [...events, ...this.#eventsOfPartitions(oids, partitions, outcome)];
    let rows = 0;
    for (const xid of xids) {
      const counts = this.#deletes.get(xid);
      if (counts === undefined) continue;
      for (const [oid, count] of counts) if (before.has(oid) || this.#counted.has(oid)) rows += count;
      this.#deletes.delete(xid);
    }
    return committed && rows > 0 ? [...told, { kind: 'deleted', outcome, rows }] : told;
  }

  /** The database's name means another one now, or none. `had` is the one before, where it had the table. */
  #eventsOfDatabase(had: number | undefined, outcome: TransactionOutcome): readonly TableEvent[] {
    const events: TableEvent[] = [];
    if (had !== undefined && this.#catalog.hasDatabase(had)) events.push({ kind: 'renamed', outcome });
    else if (had !== undefined)
      events.push({ kind: 'dropped', outcome, beforeLsn: this.#catalog.lastUseOf(had, outcome), withDatabase: true });
    if (this.exists) events.push({ kind: 'created', outcome });
    return events;
  }

  /** Partitions that the table had and has no more, while it is there itself. */
  #eventsOfPartitions(
    oids: ReadonlySet<number>,
    partitions: ReadonlyMap<number, Partition>,
    outcome: TransactionOutcome,
  ): readonly TableEvent[] {
    if (partitions === this.#partitions || ![...oids].every((oid) => this.#oids.has(oid))) return [];
    const isGone = (oid: number): boolean => partitions.has(oid) && !this.#counted.has(oid);
    const gone = [...partitions].filter(([oid, { parent }]) => isGone(oid) && !isGone(parent));
    if (gone.length === 0) return [];
    const left = new Set<number>();
    for (const { oid } of this.#catalog.classes()) if (isGone(oid)) left.add(oid);
    return ([true, false] as const).flatMap((isThere): readonly TableEvent[] => {
      const names = gone.flatMap(([oid, { name }]) => (left.has(oid) === isThere ? [name] : []));
      return names.length === 0 ? [] : [{ kind: isThere ? 'partition-detached' : 'partition-dropped', outcome, partitions: names }];
    });
  }

  #isCounted(): boolean {
    return this.#found.database === this.#catalog.database && this.#files.has(this.#found.relation);
  }

  /** Compares what rows of pg_class meant the table before the transaction with what they are after it. */
  #eventsOf(changes: readonly RowChange[], outcome: TransactionOutcome): readonly TableEvent[] {
    const rows = (catalog: RowChange['catalog'], which: (change: RowChange) => boolean): readonly HeapTuple[] =>
      changes.filter((change) => change.catalog === catalog && which(change)).map(({ tuple }) => tuple);
    const classes = (which: (change: RowChange) => boolean): readonly ClassRow[] =>
      rows('class', which).flatMap((tuple) => classRow(tuple, this.#major) ?? []);
    const old = classes(({ isMade, isDeleted }) => isDeleted && !isMade);
    const after = classes(({ isMade, isDeleted }) => isMade && !isDeleted);
    const made = classes(({ isMade }) => isMade);
    // What rewrites a table fills a table of this name and changes places with it.
    const isRewrite = (row: ClassRow, next: ClassRow): boolean =>
      made.some(({ name }) => name === `pg_temp_${row.oid}`) || next.tablespace !== row.tablespace;
    let isEmptied = false;
    // A GRANT makes the row anew, too.
    const keptSchemas = new Set(
      rows('namespace', ({ isMade, isDeleted }) => isMade && !isDeleted)
        .map(namedRow)
        .flatMap((row) => (row?.name === this.#name.schema ? row.oid : [])),
    );
    const goneSchema = rows('namespace', ({ isDeleted, isMade }) => isDeleted && !isMade)
      .map(namedRow)
      .some((row) => row?.name === this.#name.schema && !keptSchemas.has(row.oid));
    const events: TableEvent[] = [];
    for (const row of old) {
      if (!this.#counted.has(row.oid)) continue;
      const next = after.find(({ oid }) => oid === row.oid);
      // A partition, whose rows are the table's.
      if (!this.#oids.has(row.oid)) isEmptied ||= next !== undefined && next.file !== row.file && !isRewrite(row, next);
      else if (next === undefined) events.push({ kind: 'dropped', outcome, beforeLsn: outcome.lsn, withDatabase: false });
      else if (next.name !== row.name || next.namespace !== row.namespace) events.push({ kind: 'renamed', outcome });
      else if (next.file !== row.file) events.push({ kind: isRewrite(row, next) ? 'rewritten' : 'truncated', outcome });
    }
    if (isEmptied && this.exists) events.push({ kind: 'truncated', outcome });
    if (goneSchema && this.exists && events.length === 0) events.push({ kind: 'renamed', outcome });
    const schemas = this.#schemas(outcome);
    const isNew = (row: ClassRow): boolean =>
      row.name === this.#name.table && isTable(row) && schemas.has(row.namespace) && !this.#oids.has(row.oid);
    if (after.some(isNew)) events.push({ kind: 'created', outcome });
    return events;
  }

  #concernsName(changes: readonly RowChange[]): boolean {
    return changes.some(({ catalog, tuple }) => {
      if (catalog !== 'class') return true;
      const row = classRow(tuple, this.#major);
      return row !== undefined && (row.name === this.#name.table || this.#counted.has(row.oid));
    });
  }

  /** OIDs of the schema by its name, as others see it, and as `mine` does. */
  #schemas(mine?: TransactionOutcome): ReadonlySet<number> {
    const own = new Set(mine === undefined ? [] : [mine.xid, ...mine.subtransactions]);
    const oids = new Set<number>();
    for (const tuple of this.#catalog.alive('namespace'))
      if (namedRow(tuple)?.name === this.#name.schema) oids.add(namedRow(tuple)?.oid ?? 0);
    if (mine === undefined) return oids;
    for (const { catalog, tuple } of this.#catalog.changesOf(mine))
      if (catalog === 'namespace' && own.has(tuple.xmin) && namedRow(tuple)?.name === this.#name.schema)
        oids.add(namedRow(tuple)?.oid ?? 0);
    return oids;
  }

  #lookUp(): void {
    const schemas = this.#schemas();
    const named: ClassRow[] = [];
    for (const row of this.#catalog.classes())
      if (row.name === this.#name.table && isTable(row) && schemas.has(row.namespace)) named.push(row);
    this.#oids = new Set(named.map(({ oid }) => oid));
    this.#counted = new Set(this.#oids);
    const parents = named.some(({ kind }) => kind === 'p') ? this.#addPartitions() : new Map<number, number>();
    for (const row of named) this.#remember(row);
    const schemaNames = new Map<number, string>();
    if (parents.size > 0)
      for (const tuple of this.#catalog.alive('namespace')) schemaNames.set(namedRow(tuple)?.oid ?? 0, namedRow(tuple)?.name ?? '');
    const partitions = new Map<number, Partition>();
    if (parents.size > 0)
      for (const row of this.#catalog.classes()) {
        const parent = parents.get(row.oid);
        if (parent === undefined) continue;
        this.#remember(row);
        partitions.set(row.oid, { parent, name: { schema: schemaNames.get(row.namespace) ?? '', table: row.name } });
      }
    this.#partitions = partitions;
  }

  /** Gives the partitions by OID, each with that of which it is one. */
  #addPartitions(): ReadonlyMap<number, number> {
    const pairs = [...this.#catalog.alive('inherits')].flatMap((tuple) => inheritsRow(tuple) ?? []);
    const parents = new Map<number, number>();
    for (let size = 0; size !== this.#counted.size;) {
      size = this.#counted.size;
      for (const { child, parent } of pairs) {
        if (!this.#counted.has(parent)) continue;
        this.#counted.add(child);
        parents.set(child, parent);
      }
    }
    return parents;
  }

  #remember({ file, oid }: ClassRow): void {
    if (file !== 0) this.#files.set(file, oid);
  }
}

function isTable({ kind }: ClassRow): boolean {
  return ['r', 'p', 'm', 'v', 'f', 'S'].includes(kind);
}
