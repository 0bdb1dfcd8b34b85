import { DbadminError } from '../../base/errors.ts';
import { CATALOG, parseRelationMap } from '../../postgres/relation-map.ts';
import type { BlobReader } from '../../repository/blob-reader.ts';
import { readManifest, type BackupSummary, type FileEntry } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { CatalogReplay, type CatalogStart, type Missed, type StoredDatabase } from './catalog-replay.ts';
import { classRow, namedRow } from './catalog-rows.ts';
import { HeapReplay } from './heap-replay.ts';

const PAGE_BYTES = 8192;
const SEGMENT_PAGES = 131_072;

type Files = ReadonlyMap<string, FileEntry>;

/**
 * What `read` makes of the WAL with the catalogs of a backup kept up. Where it comes upon some that nobody kept up, it is done again with all that
 * one reading missed: so often do databases take a name from each other, and VACUUM FULL moves catalogs, that each for itself would be too much.
 *
 * @throws {DbadminError} as readCatalogStart; `internal` when a reading misses nothing but what an earlier one did.
 */
export async function withCatalogs<Found>(
  { repository, backup, blobs }: { readonly repository: Repository; readonly backup: BackupSummary; readonly blobs: BlobReader },
  databaseName: string,
  read: (catalog: CatalogReplay) => Promise<Found>,
): Promise<Found> {
  const missed = new Map<string, Missed>();
  for (;;) {
    const catalog = new CatalogReplay(await readCatalogStart(repository, backup, blobs, databaseName, [...missed.values()]));
    const found = await read(catalog);
    if (catalog.missed.length === 0) return found;
    const before = missed.size;
    for (const each of catalog.missed) missed.set(JSON.stringify(each), each);
    if (missed.size === before) throw new DbadminError('internal', 'the catalogs cannot be followed through the WAL');
  }
}

/**
 * Reads from a backup, without restoring it, the catalogs that say which table a name means in a database. `missed` is what
 * an earlier reading of the WAL found to be needed besides.
 *
 * @throws {DbadminError} `repository-damaged`, `wal-invalid` when a catalog is not where the backup says.
 */
async function readCatalogStart(
  repository: Repository,
  backup: BackupSummary,
  blobs: BlobReader,
  databaseName: string,
  missed: readonly Missed[],
): Promise<CatalogStart> {
  const major = Math.floor(backup.serverVersion / 10_000);
  const few = await findFiles(
    repository,
    backup,
    (path) => path.startsWith('global/') || path.startsWith('pg_xact/') || path.endsWith('/pg_filenode.map'),
  );
  const transactions = new Map<string, Buffer>();
  for (const [path, entry] of few)
    if (path.startsWith('pg_xact/')) transactions.set(path.slice('pg_xact/'.length), await readWhole(entry, blobs));
  const later = missed.flatMap((each) => (each.kind === 'file' ? [each.file] : []));
  const awaited = missed.flatMap((each) => (each.kind === 'database' ? [each.oid] : []));
  const shared = await readDatabase(0, 'global', few, few, blobs, [CATALOG.database]);
  const base = { major, databaseName, transactions, later, awaited };
  const oid = new CatalogReplay({ ...base, databases: [shared] }).database;
  const wanted = new Set([...(oid === undefined ? [] : [oid]), ...awaited]);
  const databases: StoredDatabase[] = [shared];
  for (const each of wanted) {
    const map = [...few.keys()].find((path) => path !== 'global/pg_filenode.map' && path.split('/').at(-2) === String(each));
    if (map === undefined) continue;
    const directory = map.slice(0, -'/pg_filenode.map'.length);
    const files = await findFiles(repository, backup, (path) => path.startsWith(`${directory}/`) && /\/\d+(\.\d+)?$/.test(path));
    const found = await readDatabase(each, directory, few, files, blobs, [CATALOG.class]);
    databases.push(await withUnmapped(found, major, directory, files, blobs));
  }
  return { ...base, databases };
}

/** The catalogs whose file pg_class names: every version it has of them, since which one holds is not known yet. */
async function withUnmapped(
  database: StoredDatabase,
  major: number,
  directory: string,
  files: Files,
  blobs: BlobReader,
): Promise<StoredDatabase> {
  const heaps = new Map(database.heaps);
  for (const [, tuple] of database.heaps.get(database.map.get(CATALOG.class) ?? 0)?.rows() ?? []) {
    const row = classRow(tuple, major);
    if (row === undefined || (row.oid !== CATALOG.namespace && row.oid !== CATALOG.inherits) || heaps.has(row.file)) continue;
    heaps.set(row.file, await readHeap(directory, row.file, files, blobs));
  }
  return { ...database, heaps };
}

async function readDatabase(
  oid: number,
  directory: string,
  maps: Files,
  files: Files,
  blobs: BlobReader,
  catalogs: readonly number[],
): Promise<StoredDatabase> {
  const entry = maps.get(`${directory}/pg_filenode.map`);
  if (entry === undefined) throw new DbadminError('wal-invalid', `the backup has no ${directory}/pg_filenode.map`);
  const map = parseRelationMap(await readWhole(entry, blobs));
  const heaps = new Map<number, HeapReplay>();
  for (const catalog of catalogs) {
    const file = map.get(catalog);
    if (file !== undefined) heaps.set(file, await readHeap(directory, file, files, blobs));
  }
  return { oid, map, heaps };
}

async function readHeap(directory: string, file: number, files: Files, blobs: BlobReader): Promise<HeapReplay> {
  const pages: (readonly [number, Buffer])[] = [];
  for (let segment = 0; ; segment += 1) {
    const entry = files.get(segment === 0 ? `${directory}/${file}` : `${directory}/${file}.${segment}`);
    if (entry === undefined) break;
    const bytes = await readWhole(entry, blobs);
    for (let at = 0; at + PAGE_BYTES <= bytes.length; at += PAGE_BYTES)
      pages.push([segment * SEGMENT_PAGES + at / PAGE_BYTES, bytes.subarray(at, at + PAGE_BYTES)]);
  }
  return new HeapReplay(pages);
}

async function findFiles(repository: Repository, backup: BackupSummary, isWanted: (path: string) => boolean): Promise<Files> {
  const files = new Map<string, FileEntry>();
  for await (const entry of readManifest(repository, backup.systemIdentifier, backup.label))
    if (entry.type === 'file' && isWanted(entry.path)) files.set(entry.path, entry);
  return files;
}

async function readWhole(file: FileEntry, blobs: BlobReader): Promise<Buffer> {
  const bytes = Buffer.alloc(file.sizeBytes);
  let at = 0;
  for await (const plain of blobs.readAll(Array.from(file.extents, (extent) => extent[2]))) {
    const [offset, length, , from = 0] = file.extents.at(at) ?? [0, 0, ''];
    plain.copy(bytes, offset, from, from + length);
    at += 1;
  }
  return bytes;
}

/** The name of every database in the catalogs, for messages. */
export function databaseNames(catalog: CatalogReplay): readonly string[] {
  return [...catalog.alive('database')].flatMap((tuple) => namedRow(tuple)?.name ?? []);
}
