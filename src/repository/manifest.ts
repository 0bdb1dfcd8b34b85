import { compareLsns } from '../postgres/lsn.ts';
import { missingObject } from '../storage/failures.ts';
import { damaged, sealAtHand, unsealStream, type SealedStart } from './envelope.ts';
import { backupKey, backupPrefix } from './layout.ts';
import { encodeLines, LineReader } from './manifest-line.ts';
import { readOr, type DamagedObject } from './passed-over.ts';
import type { Repository } from './repository.ts';
import { readSealedHeader } from './sealed-header.ts';
import { problemOfOrigin, problemOfSummary } from './summary-check.ts';

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
  /** When the checkpoint in its pg_control began, by the server's clock, cut to the second. Absent in backups of before it was kept. */
  readonly checkpointAt?: string;
  /** LSNs as PostgreSQL prints them. Recovery begins at the first and is consistent at the second, from a standby's backup maybe before. */
  readonly startLsn: string;
  readonly stopLsn: string;
  readonly startTimeline: number;
  readonly stopTimeline: number;
  readonly walSegmentBytes: number;
  readonly blockBytes: number;
  /** Whether the cluster has data checksums, so that its pages were verified on the way. */
  readonly checksums: boolean;
  /** Whether every page that it has was read while the cluster had data checksums. Absent where nobody looked. */
  readonly pagesSummed?: boolean;
  /** Whether it, or a backup that it has pages of, was read from a standby: what is not logged may differ from the primary. Absent where it is not known. */
  readonly fromStandby?: boolean;
  /** Whether hints were not logged when a page that it has was read: it may lack some that were set since, of which no LSN tells. Absent where it is not known. */
  readonly hintsUnlogged?: boolean;
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
  /**
   * Of an incremental one: label of the full one that it was pieced together from, or of the last incremental one on the way whose own audit found a
   * mismatch. Absent in backups of before it was kept: then the parents tell, as far as they are there.
   */
  readonly root?: string;
  /** Of an incremental one: labels of verifications of this repository that stood when it was taken, and by all of which its parent was whole. Absent where none did, or nobody looked. */
  readonly parentWholeBy?: { readonly repositoryId: string; readonly verifications: readonly string[] };
  /** Bytes that changed since the parent, as files have them. */
  readonly changedBytes?: number;
  /** What a full read, or an incremental one that reads everything, found when it was compared with the parent. */
  readonly audit?: AuditReport | null;
  /** Key of the page hashes, 64 hex digits, where they were taken. */
  readonly pageHashKey?: string | null;
  /** What the backup could not bring: settings, or configuration files outside of the data directory or behind links in it. */
  readonly missing?: readonly string[];
  /**
   * Directories that its configuration files include and of which every file that counts is in the backup: absolute, or relative to the data
   * directory. Absent where nobody looked.
   */
  readonly includedDirectories?: readonly string[];
  /** LSN from which on nobody could say which relations VACUUM cut back: there may be old pages of them. Absent where it was known. */
  readonly cutsUnknownSince?: string;
  /**
   * Whether all that VACUUM cut off before that, or before it began, is so in it. Absent where a backup that it has pages of was taken with changed
   * blocks before anybody asked what was cut back: pages from before a cut may have been kept.
   */
  readonly cutsKnown?: boolean;
  /** For how many days it was to be locked from its publication. Absent where its repository locked nothing then. */
  readonly lockDays?: number;
}

/** A backup that read everything, compared page by page with what the repository had pieced together. @see FORMAT.md "Manifests" */
export interface AuditReport {
  /** Label of the backup compared with. */
  readonly comparedWith: string;
  readonly pages: number;
  /** Pages that differ and whose LSN says that they should not, or is one that the server had not reached: relation file and block. */
  readonly mismatches: readonly PageMismatch[];
  /** How many there are: a thousand are listed, those that were emptied first. Absent where all are. */
  readonly mismatchCount?: number;
  /** How many of them were emptied. Absent where all of those are listed. */
  readonly emptiedCount?: number;
  /** Pages that differ only in what is not logged: the hole, hints, and between two servers what replay makes otherwise. */
  readonly benign: number;
  /** Pages that differ and that nobody could judge. Absent where there are none, and in backups of before they were counted. */
  readonly unjudged?: UnjudgedPages;
}

/**
 * Pages that differ and of which nothing was ever logged, in files of which nobody could say whose they are: an index that is being built changes so, and otherwise it
 * is only the storage that does.
 */
export interface UnjudgedPages {
  readonly pages: number;
  readonly files: number;
  /** Ten at most, those with the most pages first; the last stands for all others where there are more. */
  readonly causes: readonly UnjudgedCause[];
}

/** Why nobody could judge some pages. */
export interface UnjudgedCause {
  readonly pages: number;
  readonly files: number;
  /** A hundred of the files. */
  readonly paths: readonly string[];
  /** For people: part of a sentence. */
  readonly reason: string;
  /** What lets later backups know it, for people: a sentence without its stop. */
  readonly wayOut: string;
}

export interface PageMismatch {
  readonly path: string;
  readonly block: number;
  /**
   * It is all zeros now, and no VACUUM cut it off since the backup that it is compared with began: the cluster lost it, unless that one had kept a
   * page from before an earlier cut, see `cutsKnown`.
   */
  readonly emptied?: true;
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

/**
 * The entries of a backup, parents before children. Believe them only when the iteration ends without an error: the
 * manifest's hash is checked at its end.
 */
export async function* readManifest(repository: Repository, systemIdentifier: string, label: string): AsyncGenerator<ManifestEntry> {
  const key = backupKey(systemIdentifier, label);
  const lines = new LineReader(key);
  // Whole, it may still be another's: what that one needs says nothing of what this one does.
  const onStart = ({ header }: SealedStart): void => {
    const problem = problemOfOrigin(header, systemIdentifier, label);
    if (problem !== undefined) throw damaged(key, problem);
  };
  try {
    const body = unsealStream(repository, 'manifest', repository.store.readStream(key), key, onStart);
    for await (const chunk of body) yield* lines.take(chunk);
    lines.end();
  } catch (error) {
    // One bit in compressed bytes makes other text, and that is met before the hash at the end.
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError)
      throw damaged(key, `A line of it cannot be read: ${error.message}.`, error);
    throw error;
  }
}

/** The summary of one backup. @throws {DbadminError} `storage-missing` when it is not there, `repository-damaged`. */
export async function readSummary(repository: Repository, systemIdentifier: string, label: string): Promise<BackupSummary> {
  const key = backupKey(systemIdentifier, label);
  const object = await repository.store.stat(key);
  if (object === undefined) throw missingObject(repository.store.description, key);
  return await summaryOf(repository, { systemIdentifier, label, sizeBytes: object.sizeBytes });
}

/**
 * The summaries of all backups of a lineage that say what they are, by stop LSN and timeline. Those that do not are passed
 * over, and the repository's `onDamaged` is told of them.
 */
export async function listBackups(repository: Repository, systemIdentifier: string): Promise<readonly BackupSummary[]> {
  return (await inspectBackups(repository, systemIdentifier)).backups;
}

export interface InspectedBackups {
  readonly backups: readonly BackupSummary[];
  readonly damaged: readonly DamagedObject[];
  /** By label: when the manifest was stored, by the store's clock. */
  readonly storedAt: ReadonlyMap<string, Date>;
}

/**
 * The same, with the manifests that cannot be read. Only the manifests' heads are, one by one: a damaged one hides no other.
 * A backup that is deleted meanwhile is left out.
 */
export async function inspectBackups(repository: Repository, systemIdentifier: string): Promise<InspectedBackups> {
  const found: DamagedObject[] = [];
  const backups: BackupSummary[] = [];
  const storedAt = new Map<string, Date>();
  const prefix = backupPrefix(systemIdentifier);
  for await (const { key, sizeBytes, modifiedAt } of repository.store.list(prefix)) {
    const of = { systemIdentifier, label: key.slice(prefix.length), sizeBytes };
    const summary = await readOr(repository, key, found, async () => await summaryOf(repository, of));
    if (summary === undefined) continue;
    backups.push(summary);
    storedAt.set(summary.label, modifiedAt);
  }
  return {
    backups: backups.sort((a, b) => a.stopTimeline - b.stopTimeline || compareLsns(a.stopLsn, b.stopLsn)),
    damaged: found,
    storedAt,
  };
}

async function summaryOf(
  repository: Repository,
  { systemIdentifier, label, sizeBytes }: { readonly systemIdentifier: string; readonly label: string; readonly sizeBytes: number },
): Promise<BackupSummary> {
  const key = backupKey(systemIdentifier, label);
  const header = await readSealedHeader(repository, 'manifest', { key, sizeBytes });
  const problem = problemOfSummary(header, systemIdentifier, label);
  if (problem !== undefined) throw damaged(key, problem);
  return header as unknown as BackupSummary;
}
