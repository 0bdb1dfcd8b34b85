import type { HeapTuple } from '../../postgres/heap-tuple.ts';
import { CATALOG, parseRelationMap } from '../../postgres/relation-map.ts';
import { databaseDrop } from '../../postgres/database-records.ts';
import { RESOURCE_MANAGER } from '../../postgres/resource-managers.ts';
import { findFirstBlock, recordParts, type FirstBlock, type RecordParts } from '../../postgres/wal-blocks.ts';
import type { WalRecord } from '../../postgres/wal-reader.ts';
import type { TransactionOutcome } from '../../postgres/wal-records.ts';
import { classRow, isInvalidDatabase, namedRow, type ClassRow } from './catalog-rows.ts';
import { HeapReplay, type RowPlace } from './heap-replay.ts';
import { TransactionStatus } from './transaction-status.ts';

/** A file of a database (0: shared) by the number in its name. */
export interface RelationFile {
  readonly database: number;
  readonly file: number;
}

/** A relation map and the heaps that are to be followed, as a backup has them. */
export interface StoredDatabase {
  readonly oid: number;
  readonly map: ReadonlyMap<number, number>;
  readonly heaps: ReadonlyMap<number, HeapReplay>;
}

/** Where catalogs are followed from: what a backup says of them, which the WAL from its start on makes true. */
export interface CatalogStart {
  readonly major: number;
  readonly databaseName: string;
  /** The shared catalogs (OID 0) and those of the database and of others that it may come from, where the backup has them. */
  readonly databases: readonly StoredDatabase[];
  /** Databases that the WAL is known to need later on, by OID: those that it makes are followed from there. */
  readonly awaited: readonly number[];
  readonly transactions: ReadonlyMap<string, Buffer>;
  /** Files that the WAL is known to make a catalog of later on: what is written into them before then counts. */
  readonly later: readonly RelationFile[];
}

/** What has to be followed from the start, and was not: the reading begins again with it. */
export type Missed = { readonly kind: 'file'; readonly file: RelationFile } | { readonly kind: 'database'; readonly oid: number };

type TouchedRow = RowPlace & RelationFile;
export type Catalog = 'class' | 'namespace' | 'database' | 'inherits';

/** A row that a transaction made or deleted. */
export interface RowChange {
  readonly catalog: Catalog;
  readonly tuple: HeapTuple;
  readonly isMade: boolean;
  readonly isDeleted: boolean;
}

const FULL_PAGE_FOR_HINT = 0xa0;
const FULL_PAGE = 0xb0;
const OPERATION = 0x70;
const HEAP_IN_PLACE = 0x70;

/**
 * The catalogs that say which table a name means, kept up with the WAL: pg_database, and pg_class, pg_namespace and
 * pg_inherits of one database. Give it every record that {@link CatalogReplay.wants}, in order, and each transaction's end
 * after having asked what it changed.
 */
export class CatalogReplay {
  readonly status: TransactionStatus;
  readonly #start: CatalogStart;
  readonly #maps = new Map<number, ReadonlyMap<number, number>>();
  readonly #heaps = new Map<number, Map<number, HeapReplay>>();
  readonly #touched = new Map<number, TouchedRow[]>();
  readonly #found: FirstBlock = { database: 0, relation: 0 };
  /** Databases whose catalogs are kept up: the one that the name means, and those that it is to mean. */
  readonly #followed: Set<number>;
  /** From where on a database whose drop has begun can no longer be used, by OID; and where files of one were deleted, with the transaction. */
  readonly #invalidFrom = new Map<number, bigint>();
  readonly #deletedFiles = new Map<number, { readonly xid: number; readonly lsn: bigint }>();
  #database: number | undefined;
  #wasNamed = false;
  readonly #missed: Missed[] = [];

  constructor(start: CatalogStart) {
    this.#start = start;
    this.status = new TransactionStatus(start.transactions);
    this.#followed = new Set([...start.databases.map(({ oid }) => oid), ...start.awaited]);
    for (const { oid, map, heaps } of start.databases) {
      this.#maps.set(oid, map);
      this.#heaps.set(oid, new Map([...heaps].map(([file, heap]) => [file, heap.copy()])));
    }
    for (const { database, file } of start.later) this.#follow(database, file);
    for (const [database, heaps] of this.#heaps)
      for (const [file, heap] of heaps) for (const [place, tuple] of heap.rows()) this.#noteHeader({ database, file, ...place }, tuple);
    this.#nameMeans(this.#named());
  }

  /** Each once, and none that the start has already: with any, what was read so far says nothing but this. */
  get missed(): readonly Missed[] {
    return this.#missed;
  }

  /** OID of the database that the name means now, as others see it. */
  get database(): number | undefined {
    return this.#database;
  }

  /** Whether the name meant any by now. */
  get wasNamed(): boolean {
    return this.#wasNamed;
  }

  /** Whether there is a database of that OID, by whatever name. */
  hasDatabase(oid: number): boolean {
    for (const row of this.#alive('database')) if (namedRow(row)?.oid === oid) return true;
    return false;
  }

  /**
   * Where a recovery has to end so that a database dropped by the transaction is still one. Its files are deleted before the commit,
   * and before those its row says, for whoever sees it, that nobody can connect any more.
   */
  lastUseOf(oid: number, outcome: TransactionOutcome): bigint {
    const deleted = this.#deletedFiles.get(oid);
    const isOfDrop = deleted !== undefined && [outcome.xid, ...outcome.subtransactions].includes(deleted.xid);
    const begun = this.#invalidFrom.get(oid) ?? outcome.lsn;
    return isOfDrop && deleted.lsn < begun ? deleted.lsn : begun;
  }

  /** The sieve for records; see RecordSieve. */
  wants(manager: number, info: number, bytes: Buffer, offset: number): boolean {
    if (manager === RESOURCE_MANAGER.relationMap || manager === RESOURCE_MANAGER.database) return true;
    const hasBlock =
      manager === RESOURCE_MANAGER.heap ||
      manager === RESOURCE_MANAGER.heap2 ||
      (manager === RESOURCE_MANAGER.xlog && (info === FULL_PAGE || info === FULL_PAGE_FOR_HINT));
    if (!hasBlock) return false;
    const found = findFirstBlock(bytes, offset, this.#start.major, this.#found);
    return found === 'unknown' || (found === 'found' && this.#heaps.get(this.#found.database)?.has(this.#found.relation) === true);
  }

  /** Applies a record to the catalogs. Gives the rows of pg_class it made: names of tables that the WAL tells of. */
  apply(record: WalRecord): readonly ClassRow[] {
    if (record.manager === RESOURCE_MANAGER.relationMap) {
      const { mainData } = recordParts(record.bytes, this.#start.major);
      this.#mapChanged(mainData.readUInt32LE(0), parseRelationMap(mainData.subarray(12)));
      return [];
    }
    if (record.manager === RESOURCE_MANAGER.database) {
      // 0 is the copy of files in every release; what the WAL holds block by block needs nothing here.
      const { mainData } = recordParts(record.bytes, this.#start.major);
      const operation = record.info & OPERATION;
      if (operation === 0) this.#databaseCopied(mainData);
      // Going over to another tablespace deletes files, too.
      if (operation === databaseDrop(this.#start.major))
        this.#deletedFiles.set(mainData.readUInt32LE(0), { xid: record.xid, lsn: record.lsn });
      return [];
    }
    const parts = recordParts(record.bytes, this.#start.major);
    const locator = parts.blocks[0]?.locator;
    const heap = locator === undefined ? undefined : this.#heaps.get(locator.database)?.get(locator.relation);
    return heap === undefined || locator === undefined
      ? []
      : this.#changeHeap(record, parts, heap, { database: locator.database, file: locator.relation });
  }

  /** What a transaction, with those of its subtransactions that ended with it, has done to the followed catalogs. */
  changesOf(outcome: TransactionOutcome): readonly RowChange[] {
    const xids = [outcome.xid, ...outcome.subtransactions];
    if (!xids.some((xid) => this.#touched.has(xid))) return [];
    const mine = new Set(xids);
    const seen = new Set<string>();
    const changes: RowChange[] = [];
    for (const { database, file, block, offset } of xids.flatMap((xid) => this.#touched.get(xid) ?? [])) {
      const catalog = this.#catalogOf(database, file);
      const key = `${database}/${file}/${block}/${offset}`;
      if (catalog === undefined || seen.has(key)) continue;
      seen.add(key);
      const tuple = this.#heaps.get(database)?.get(file)?.row({ block, offset });
      if (tuple === undefined) continue;
      const change = { catalog, tuple, isMade: mine.has(tuple.xmin), isDeleted: mine.has(tuple.xmax) && !tuple.isMulti };
      if (change.isMade || change.isDeleted) changes.push(change);
    }
    return changes;
  }

  /** The transaction is over: what it did is seen from now on, or never. */
  end(outcome: TransactionOutcome): void {
    const committed = outcome.kind.startsWith('commit');
    const xids = [outcome.xid, ...outcome.subtransactions];
    if (!xids.some((xid) => this.#touched.has(xid))) return;
    const mayRename = xids.some((xid) => this.#touched.get(xid)?.some(({ database }) => database === 0) === true);
    for (const xid of xids) {
      this.status.ended(xid, committed);
      this.#touched.delete(xid);
    }
    if (!committed) return;
    if (mayRename) this.#nameMeans(this.#named());
    this.#checkUnmapped();
  }

  #named(): number | undefined {
    for (const row of this.#alive('database')) if (namedRow(row)?.name === this.#start.databaseName) return namedRow(row)?.oid;
    return undefined;
  }

  /** The name means this database from now on; one whose catalogs were not kept up so far has to be, from the start. */
  #nameMeans(oid: number | undefined): void {
    if (oid === this.#database) return;
    this.#database = oid;
    this.#files.clear();
    if (oid === undefined) return;
    this.#wasNamed = true;
    this.#followed.add(oid);
    if (this.#maps.has(oid)) this.#filesMoved = true;
    else this.#requireDatabase(oid);
  }

  /** The living rows of a catalog of the database. */
  *#alive(catalog: Catalog): Generator<HeapTuple> {
    const database = catalog === 'database' ? 0 : this.#database;
    const file = this.#fileOf(catalog);
    if (database === undefined || file === undefined) return;
    for (const [, tuple] of this.#heaps.get(database)?.get(file)?.rows() ?? []) if (this.status.isAlive(tuple)) yield tuple;
  }

  alive(catalog: Catalog): Iterable<HeapTuple> {
    return this.#alive(catalog);
  }

  *classes(): Generator<ClassRow> {
    for (const tuple of this.#alive('class')) {
      const row = classRow(tuple, this.#start.major);
      if (row !== undefined) yield row;
    }
  }

  #fileOf(catalog: Catalog): number | undefined {
    if (catalog === 'database') return this.#maps.get(0)?.get(CATALOG.database);
    const mapped = this.#database === undefined ? undefined : this.#maps.get(this.#database)?.get(CATALOG.class);
    if (catalog === 'class') return mapped;
    for (const row of this.classes()) if (row.oid === CATALOG[catalog]) return row.file;
    return undefined;
  }

  #catalogOf(database: number, file: number): Catalog | undefined {
    if (database === 0) return file === this.#fileOf('database') ? 'database' : undefined;
    if (database !== this.#database) return undefined;
    return (['class', 'namespace', 'inherits'] as const).find((catalog) => this.#cachedFile(catalog) === file);
  }

  readonly #files = new Map<Catalog, number | undefined>();

  /** The catalogs whose file stands in pg_class seldom move: looked up again when pg_class says so. */
  #cachedFile(catalog: Catalog): number | undefined {
    if (catalog === 'class') return this.#fileOf(catalog);
    if (!this.#files.has(catalog)) this.#files.set(catalog, this.#fileOf(catalog));
    return this.#files.get(catalog);
  }

  #changeHeap(record: WalRecord, parts: RecordParts, heap: HeapReplay, where: RelationFile): readonly ClassRow[] {
    const { touched, images } = heap.apply(record, parts);
    if (record.manager === RESOURCE_MANAGER.heap && (record.info & OPERATION) === HEAP_IN_PLACE && where.database === 0)
      this.#noteInvalid(heap.row({ block: parts.blocks[0]?.block ?? 0, offset: parts.mainData.readUInt16LE(0) }), where, record.lsn);
    for (const block of images) for (const [place, tuple] of heap.rowsOf(block)) this.#noteHeader({ ...where, ...place }, tuple);
    const made: ClassRow[] = [];
    for (const place of touched) {
      this.#note(record.xid, { ...where, ...place });
      const tuple = heap.row(place);
      if (tuple === undefined || tuple.xmin !== record.xid) continue;
      if (where.database === 0) {
        const row = where.file === this.#fileOf('database') ? namedRow(tuple) : undefined;
        // One that is made: in the WAL its row comes before its content.
        if (row?.name === this.#start.databaseName && !this.hasDatabase(row.oid)) this.#followed.add(row.oid);
      } else if (this.#catalogOf(where.database, where.file) === 'class') {
        const row = classRow(tuple, this.#start.major);
        if (row !== undefined) made.push(row);
        if (row?.oid === CATALOG.namespace || row?.oid === CATALOG.inherits) this.#filesMoved = true;
      }
    }
    return made;
  }

  #filesMoved = false;

  /** pg_namespace and pg_inherits may have got another file: where it was not followed from its beginning, it has to be. */
  #checkUnmapped(): void {
    if (!this.#filesMoved || this.#database === undefined) return;
    this.#filesMoved = false;
    this.#files.clear();
    for (const catalog of ['namespace', 'inherits'] as const) {
      const file = this.#fileOf(catalog);
      if (file !== undefined) this.#requireFile({ database: this.#database, file });
    }
  }

  /** DROP DATABASE writes this into the row in place, for all at once, before it deletes anything. */
  #noteInvalid(tuple: HeapTuple | undefined, { file }: RelationFile, lsn: bigint): void {
    if (tuple === undefined || file !== this.#fileOf('database') || !isInvalidDatabase(tuple, this.#start.major)) return;
    const oid = namedRow(tuple)?.oid;
    if (oid !== undefined && !this.#invalidFrom.has(oid)) this.#invalidFrom.set(oid, lsn);
  }

  #mapChanged(database: number, map: ReadonlyMap<number, number>): void {
    if (!this.#followed.has(database)) return;
    const before = this.#maps.get(database);
    this.#maps.set(database, map);
    const file = map.get(database === 0 ? CATALOG.database : CATALOG.class);
    if (file === undefined) return;
    if (before !== undefined) this.#requireFile({ database, file });
    // A new database: its blocks come after its map, and its catalogs have the files of its template.
    else for (const each of [file, CATALOG.namespace, CATALOG.inherits]) this.#follow(database, each);
  }

  #databaseCopied(data: Buffer): void {
    const made = data.readUInt32LE(0);
    const source = data.readUInt32LE(8);
    if (!this.#followed.has(made) || source === made) return;
    const map = this.#maps.get(source);
    if (map === undefined) {
      this.#requireDatabase(source);
      return;
    }
    this.#maps.set(made, map);
    this.#heaps.set(made, new Map([...(this.#heaps.get(source) ?? [])].map(([file, heap]) => [file, heap.copy()])));
    for (const { database, file } of this.#start.later) if (database === made) this.#follow(made, file);
    this.#files.clear();
  }

  #requireDatabase(oid: number): void {
    if (this.#start.awaited.includes(oid)) return;
    if (!this.#missed.some((each) => each.kind === 'database' && each.oid === oid)) this.#missed.push({ kind: 'database', oid });
  }

  #requireFile(file: RelationFile): void {
    if (this.#heaps.get(file.database)?.has(file.file) === true) return;
    const isSame = ({ database, file: number }: RelationFile): boolean => database === file.database && number === file.file;
    if (!this.#missed.some((each) => each.kind === 'file' && isSame(each.file))) this.#missed.push({ kind: 'file', file });
  }

  #follow(database: number, file: number): void {
    const heaps = this.#heaps.get(database) ?? new Map<number, HeapReplay>();
    this.#heaps.set(database, heaps);
    if (!heaps.has(file)) heaps.set(file, new HeapReplay());
  }

  /** A page came whole: its rows may be the work of transactions whose own records were not read. */
  #noteHeader(place: TouchedRow, { xmin, xminHint, xmax, xmaxHint, isMulti }: HeapTuple): void {
    if (xminHint === undefined && xmin > 2) this.#note(xmin, place);
    if (xmax > 2 && xmaxHint === undefined && !isMulti) this.#note(xmax, place);
  }

  #note(xid: number, place: TouchedRow): void {
    const places = this.#touched.get(xid);
    if (places === undefined) this.#touched.set(xid, [place]);
    else places.push(place);
  }
}
