import { isDbadminError } from '../base/errors.ts';
import { decodePath, encodePath } from '../base/path-bytes.ts';
import { compareLsns } from '../postgres/lsn.ts';
import { missingObject } from '../storage/failures.ts';
import { CompactExtents, type NumberedExtent } from './compact-extents.ts';
import { SCANNED_NUMBERS, scanExtents } from './extent-scan.ts';
import { extentsText } from './extent-text.ts';
import { damaged, HEADER_READ_BYTES, peekHeader, sealAtHand, unsealStream } from './envelope.ts';
import { backupKey, backupPrefix } from './layout.ts';
import type { Repository } from './repository.ts';

/** A backup's summary: the header of its manifest. @see FORMAT.md "Manifests" */
export interface BackupSummary {
  readonly label: string;
  readonly kind: 'full' | 'incremental';
  readonly systemIdentifier: string;
  /** `server_version_num`: 180004. */
  readonly serverVersion: number;
  readonly tool: string;
  /** The tool's clock, ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** LSNs as PostgreSQL prints them. Recovery begins at the first and is consistent at the second. */
  readonly startLsn: string;
  readonly stopLsn: string;
  readonly startTimeline: number;
  readonly stopTimeline: number;
  readonly walSegmentBytes: number;
  readonly blockBytes: number;
  /** Whether the cluster has data checksums, so that its pages were verified on the way. */
  readonly checksums: boolean;
  /** What the server said of bad pages, or null. */
  readonly damage: string | null;
  readonly warnings: readonly string[];
  readonly tablespaces: readonly { readonly oid: string; readonly location: string }[];
  readonly fileCount: number;
  readonly plainBytes: number;
  readonly newBlobs: number;
  readonly storedBytes: number;
  /** Format 1 only: the packs written. */
  readonly packs?: readonly string[];
  /** Label of the backup this one was built on; null or absent for a full read. */
  readonly parent?: string | null;
  /** Bytes that changed since the parent, as files have them. */
  readonly changedBytes?: number;
  /** What a full read found when it was compared with the parent. */
  readonly audit?: AuditReport | null;
  /** Key of the page hashes, 64 hex digits, where they were taken. */
  readonly pageHashKey?: string | null;
  /** What the backup could not bring: settings or configuration files outside of the data directory. */
  readonly missing?: readonly string[];
}

/** A full read compared page by page with what the repository had pieced together. @see FORMAT.md "Manifests" */
export interface AuditReport {
  /** Label of the backup compared with. */
  readonly comparedWith: string;
  readonly pages: number;
  /** Pages that differ and whose LSN says that they should not: relation file and block. */
  readonly mismatches: readonly { readonly path: string; readonly block: number }[];
  /** How many there are: a thousand are listed. Absent where all are. */
  readonly mismatchCount?: number;
  /** Pages that differ only in hints, which are not logged. */
  readonly benign: number;
}

/** `[offset, length, hash]` or `[offset, length, hash, offset in the blob]`, bytes. */
export type Extent =
  | readonly [offset: number, length: number, hash: string]
  | readonly [offset: number, length: number, hash: string, blobOffset: number];

/** The extents of a file, in order of their offsets: an array, or something smaller that gives them one by one. */
export interface Extents extends Iterable<Extent> {
  readonly length: number;
  at(n: number): Extent | undefined;
}

export type ManifestEntry = FileEntry | DirectoryEntry | SymlinkEntry;

interface EntryPath {
  /** Relative to the data directory, `/`-separated; text as base/path-bytes.ts gives it, `pathHex` in the object when it is not UTF-8. */
  readonly path: string;
}

export interface FileEntry extends EntryPath {
  readonly type: 'file';
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
  readonly extents: Extents;
  /** Blobs of page hashes, 131,072 pages of 8 KiB each, where they were taken. */
  readonly pages?: readonly string[];
}

export interface DirectoryEntry extends EntryPath {
  readonly type: 'directory';
  readonly mode: number;
  readonly modifiedAt: number;
}

export interface SymlinkEntry extends EntryPath {
  readonly type: 'symlink';
  readonly target: string;
}

/** From so many on a file's extents are kept in the smaller form. */
const MANY_EXTENTS = 32;
const HASH_DIGITS = 64;

/** Lines are handed to the compressor in pieces of about this. */
const CHUNK_CHARACTERS = 64 * 1024;
const EXTENTS = '"extents":';

/** Writes the manifest: from this moment the backup exists. */
export async function writeManifest(
  repository: Repository,
  summary: BackupSummary,
  entries: Iterable<ManifestEntry> | AsyncIterable<ManifestEntry>,
): Promise<void> {
  const key = backupKey(summary.systemIdentifier, summary.label);
  const lines = encodeLines(entries, repository.identity.format);
  await repository.store.create(key, await sealAtHand(repository, 'manifest', summary, lines));
}

async function* encodeLines(entries: Iterable<ManifestEntry> | AsyncIterable<ManifestEntry>, format: number): AsyncGenerator<Buffer> {
  let lines: string[] = [];
  let characters = 0;
  for await (const entry of entries) {
    if (entry.type === 'file' && entry.extents instanceof CompactExtents && format !== 1) {
      // One such line can be megabytes: it is never joined with others to one text.
      const { extents, ...rest } = entry;
      const blobs = Array.from({ length: extents.blobCount }, (_, blob) => extents.hash(blob));
      lines.push(JSON.stringify({ ...named(rest), blobs }).slice(0, -1), `,${EXTENTS}`);
      yield Buffer.from(lines.join(''), 'utf8');
      yield extentsText(extents);
      lines = ['}\n'];
      characters = 0;
      continue;
    }
    const line = `${JSON.stringify(toLine(entry, format))}\n`;
    lines.push(line);
    characters += line.length;
    if (characters < CHUNK_CHARACTERS) continue;
    yield Buffer.from(lines.join(''), 'utf8');
    lines = [];
    characters = 0;
  }
  yield Buffer.from(lines.join(''), 'utf8');
}

/** An entry as it is written. @see FORMAT.md "Manifests" */
interface ManifestLine {
  readonly path?: string;
  readonly pathHex?: string;
  readonly type: ManifestEntry['type'];
  /** Names that extents give by number; absent in format 1, where extents have the names themselves. */
  readonly blobs?: readonly string[];
  readonly extents?: readonly (NumberedExtent | Extent)[];
}

function toLine(entry: ManifestEntry, format: number): object {
  if (entry.type !== 'file' || format === 1) return named(entry);
  const { extents, ...rest } = entry;
  const numbers = new Map<string, number>();
  const numbered = Array.from(extents, ([offset, length, hash, from]): NumberedExtent => {
    const number = numbers.get(hash) ?? numbers.size;
    numbers.set(hash, number);
    return from === undefined ? [offset, length, number] : [offset, length, number, from];
  });
  return { ...named(rest), blobs: [...numbers.keys()], extents: numbered };
}

/** With its path as JSON can have it. */
function named({ path, ...rest }: EntryPath): object {
  return { ...(path.isWellFormed() ? { path } : { pathHex: encodePath(path).toString('hex') }), ...rest };
}

/** Shorter lines are few extents. */
const LONG_LINE = 4096;

function readLine(text: string, key: string): ManifestEntry {
  const at = text.length < LONG_LINE ? -1 : text.indexOf(EXTENTS);
  // Within a text of JSON its quotes are escaped: what is found is the key.
  const scanned = at < 0 ? undefined : scanExtents(text, at + EXTENTS.length);
  if (scanned !== undefined) {
    const { blobs, ...rest } = JSON.parse(`${text.slice(0, at)}${EXTENTS}[]${text.slice(scanned.end)}`) as ManifestLine;
    const { numbers } = scanned;
    if (blobs !== undefined && numbers.length >= MANY_EXTENTS * SCANNED_NUMBERS && blobs.every((hash) => hash.length === HASH_DIGITS)) {
      const entry = fromLine({ ...rest, blobs }, key);
      for (let n = 2; n < numbers.length; n += SCANNED_NUMBERS)
        if (!((numbers[n] ?? 0) < blobs.length)) throw damaged(key, unlisted(entry.path));
      return { ...entry, extents: new CompactExtents(blobs, numbers) } as ManifestEntry;
    }
  }
  return fromLine(JSON.parse(text) as ManifestLine, key);
}

function unlisted(path: string): string {
  return `An extent of ${path} names a blob that its line does not list.`;
}

function fromLine(line: ManifestLine, key: string): ManifestEntry {
  const { path: text, pathHex, blobs, extents: written, ...rest } = line;
  const path = text ?? decodePath(Buffer.from(pathHex ?? '', 'hex'));
  if (written === undefined) return { path, ...rest } as ManifestEntry;
  const extents = extentsOf(written, blobs, unlisted(path), key);
  return { path, ...rest, extents } as unknown as ManifestEntry;
}

function extentsOf(
  written: readonly (NumberedExtent | Extent)[],
  blobs: readonly string[] | undefined,
  problem: string,
  key: string,
): Extents {
  if (blobs === undefined) return written as readonly Extent[];
  const numbered = written as readonly NumberedExtent[];
  for (const extent of numbered) if (!(extent[2] < blobs.length)) throw damaged(key, problem);
  if (numbered.length >= MANY_EXTENTS && blobs.every((hash) => hash.length === HASH_DIGITS)) return new CompactExtents(blobs, numbered);
  return numbered.map(([offset, length, blob, from]): Extent => {
    const hash = blobs[blob] ?? '';
    return from === undefined ? [offset, length, hash] : [offset, length, hash, from];
  });
}

/**
 * The entries of a backup, parents before children. Believe them only when the iteration ends without an error: the
 * manifest's hash is checked at its end.
 */
export async function* readManifest(repository: Repository, systemIdentifier: string, label: string): AsyncGenerator<ManifestEntry> {
  const key = backupKey(systemIdentifier, label);
  // A large relation is one line of megabytes: its pieces are joined once, when its end has come.
  let begun: string[] = [];
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of unsealStream(repository, 'manifest', repository.store.readStream(key), key)) {
    const text = decoder.decode(chunk, { stream: true });
    let at = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      begun.push(text.slice(at, end));
      yield readLine(begun.join(''), key);
      begun = [];
      at = end + 1;
    }
    if (at < text.length) begun.push(text.slice(at));
  }
  if (begun.length > 0) throw damaged(key, 'Its last line is cut short.');
}

/** The summary of one backup. @throws {DbadminError} `storage-missing` when it is not there, `repository-damaged`. */
export async function readSummary(repository: Repository, systemIdentifier: string, label: string): Promise<BackupSummary> {
  const key = backupKey(systemIdentifier, label);
  const object = await repository.store.stat(key);
  if (object === undefined) throw missingObject(repository.store.description, key);
  return await summaryOf(repository, key, object.sizeBytes);
}

/**
 * The summaries of all backups of a lineage, by start LSN and timeline. Only the manifests' heads are read. A backup that is
 * deleted meanwhile is left out.
 */
export async function listBackups(repository: Repository, systemIdentifier: string): Promise<readonly BackupSummary[]> {
  const summaries: BackupSummary[] = [];
  for await (const object of repository.store.list(backupPrefix(systemIdentifier))) {
    try {
      summaries.push(await summaryOf(repository, object.key, object.sizeBytes));
    } catch (error) {
      if (!isDbadminError(error, 'storage-missing')) throw error;
    }
  }
  return summaries.sort((a, b) => a.stopTimeline - b.stopTimeline || compareLsns(a.stopLsn, b.stopLsn));
}

async function summaryOf({ store }: Repository, key: string, sizeBytes: number): Promise<BackupSummary> {
  const head = await store.readRange(key, 0, Math.min(sizeBytes, HEADER_READ_BYTES));
  const header = peekHeader('manifest', head, key) ?? peekHeader('manifest', await store.read(key), key);
  if (header === undefined) throw damaged(key, 'Its header is cut short.');
  return header as unknown as BackupSummary;
}
