import { formatBytes } from '../../base/bytes.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { BlobPipeline } from '../../repository/blob-pipeline.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import { readingSource } from '../../repository/unreadable.ts';
import type { Destination } from './destination.ts';
import type { ParentBlobs } from './parent-blobs.ts';
import type { RepositoryContent } from './repository-content.ts';

/** Blobs asked for at a time: their places are in memory. */
const CHUNK_BLOBS = 512;

export interface ReliedOnOptions {
  readonly destinations: readonly Destination[];
  /** In the order of the destinations; every blob has its name. */
  readonly contents: readonly RepositoryContent[];
  /** Knows who is given up, and is told so. */
  readonly pipeline: BlobPipeline;
  readonly parentBlobs: ParentBlobs;
  readonly systemIdentifier: string;
  readonly isFull: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Gets the bytes that were read back, and those to read in all. */
  readonly onRead: (doneBytes: number, totalBytes: number) => void;
}

/**
 * The names of the repositories in which a backup would rest on damage.
 *
 * A full one reads back what it rests on and did not store: content of earlier backups, found by its name or as the parent has it.
 * Otherwise what is damaged there would be damaged in every backup to come, full or not. An incremental one rests on what
 * was not found to be damaged on the way, or gone. A repository in which nothing can be read is given up, and the others go on.
 *
 * @throws {DbadminError} `interrupted`.
 */
export async function inspectReliedOn(options: ReliedOnOptions): Promise<readonly string[]> {
  const { destinations, contents, pipeline, isFull } = options;
  const resting: string[] = [];
  for (const [at, destination] of destinations.entries()) {
    const content = contents[at];
    if (content === undefined || pipeline.failure(at) !== undefined) continue;
    try {
      if (isFull) await readBack(destination, content, options);
      if (content.restsOn(destination.damaged)) resting.push(destination.name);
    } catch (error) {
      if (!isDbadminError(error) || error.code === 'interrupted') throw error;
      pipeline.giveUp(at, error);
    }
  }
  return resting;
}

async function readBack(destination: Destination, content: RepositoryContent, options: ReliedOnOptions): Promise<void> {
  const { name, repository, index, damaged } = destination;
  const { parentBlobs, systemIdentifier, log, signal, onRead } = options;
  const entries = findUnread(destination, content, (blob) => parentBlobs.wasSound(name, blob));
  if (entries.length === 0) return;
  const storedBytes = entries.reduce((sum, entry) => sum + index.measureOf(entry).storedBytes, 0);
  log.info(`Reading back ${formatBytes(storedBytes)} of earlier backups in ${name}: this one rests on it.`);
  const reader = new BlobReader(readingSource(repository), systemIdentifier, index);
  let readBytes = 0;
  for (let at = 0; at < entries.length; at += CHUNK_BLOBS) {
    const hashes = Array.from(entries.subarray(at, at + CHUNK_BLOBS), (entry) => index.hashOf(entry));
    for await (const { storedBytes: doneBytes, faults } of reader.checkAll(hashes, signal)) {
      for (const { place, error } of faults) damaged.add(place.hash, place.pack, error);
      readBytes += doneBytes;
      onRead(readBytes, storedBytes);
    }
  }
}

/**
 * The entries of what was there before and was not read yet, in ascending order: that is how blobs lie in their packs. What the
 * parent has and no index knows any more is damaged, too.
 */
function findUnread({ index, damaged }: Destination, content: RepositoryContent, wasSound: (parentBlob: number) => boolean): Uint32Array {
  const isUnread = new Uint8Array(index.size);
  for (const hash of content.blobNames((blob) => !wasSound(blob))) {
    const entry = index.entryOf(hash);
    if (entry < 0) damaged.add(hash, '', new DbadminError('repository-damaged', `blob ${hash} is in no index any more`));
    else if (index.isListed(index.measureOf(entry).pack) && !damaged.has(hash)) isUnread[entry] = 1;
  }
  const entries = new Uint32Array(isUnread.reduce((sum, unread) => sum + unread, 0));
  let at = 0;
  for (const [entry, unread] of isUnread.entries()) if (unread === 1) entries[at++] = entry;
  return entries;
}
