import { createHash } from 'node:crypto';
import { isDbadminError, type ErrorCode } from '../../base/errors.ts';
import { damaged, sealStream } from '../../repository/envelope.ts';
import { Blake3 } from '../../repository/hash.ts';
import type { Repository } from '../../repository/repository.ts';
import { dumpManifestKey } from '../dump/layout.ts';
import type { DumpedObject } from '../dump/manifest.ts';
import { listDumps, readableDumpManifest, readDumpManifest, unsealDumped, writeDumpManifest } from '../dump/stored-dump.ts';
import { isOfOneObject, type UncopiedList } from './uncopied-run.ts';

/**
 * What keeps back one dump alone: under the key of its object is something else that cannot be deleted now, or the destination
 * does not take an object so large. Whatever else it does not take, the backups that were copied before have met.
 */
const OF_ONE_DUMP: readonly ErrorCode[] = ['storage-locked', 'storage-exists', 'storage-unsupported'];

/** Sealed again a dump may be longer by frames and a lighter compression; a dump that pg_dump left uncompressed is longer unsealed. */
const SEALED_MARGIN = 1.25;
const UNSEALED_MARGIN = 2;

export interface DumpCopyOptions {
  readonly from: Repository;
  readonly to: Repository;
  readonly systemIdentifier: string;
  /** Gets the dumps that cannot be read. */
  readonly uncopied: UncopiedList;
  readonly signal: AbortSignal;
}

/** Copies the dumps that the destination has not got, each checked as it is read, its manifest last; gives their labels. */
export async function copyDumps({ from, to, systemIdentifier, uncopied, signal }: DumpCopyOptions): Promise<readonly string[]> {
  const prefix = `${systemIdentifier}/`;
  const present = new Set(await listDumps(to, prefix));
  const copied: string[] = [];
  for (const label of await listDumps(from, prefix)) {
    if (present.has(label)) {
      await noteOther(from, to, label, { prefix, uncopied });
      continue;
    }
    const what = { kind: 'dump', name: label, key: dumpManifestKey(prefix, label), also: OF_ONE_DUMP } as const;
    const isCopied = await uncopied.attempt(what, async () => {
      const manifest = await readDumpManifest(from, prefix, label);
      const globals = await copyDumped(from, to, manifest.globals, signal);
      const databases = [];
      for (const database of manifest.databases) databases.push({ ...database, ...(await copyDumped(from, to, database, signal)) });
      await writeDumpManifest(to, prefix, { ...manifest, globals, databases });
      return true;
    });
    if (isCopied === true) copied.push(label);
  }
  return copied;
}

/** Notes a dump whose label stands for another one in the destination: it is passed over, and who counts on the copy has to know. */
async function noteOther(
  from: Repository,
  to: Repository,
  label: string,
  { prefix, uncopied }: { readonly prefix: string; readonly uncopied: UncopiedList },
): Promise<void> {
  const [theirs, ours] = [await readableDumpManifest(from, prefix, label), await readableDumpManifest(to, prefix, label)];
  // Which one a damaged manifest is of nobody knows; it is told where it lies.
  if (theirs === undefined || ours === undefined) return;
  if (theirs.startedAt !== ours.startedAt || theirs.finishedAt !== ours.finishedAt)
    uncopied.add(
      'namesake',
      label,
      `it began at ${theirs.startedAt}, and what has this label in the destination is another dump, of ${ours.startedAt}`,
    );
}

/** One object, under the same key. What an interrupted copy left there is taken when it is the same, and else written anew. */
async function copyDumped(from: Repository, to: Repository, dumped: DumpedObject, signal: AbortSignal): Promise<DumpedObject> {
  const { key } = dumped;
  if ((await to.store.stat(key)) !== undefined) {
    const present = await takePresent(from, to, dumped, signal);
    if (present !== undefined) return present;
    await to.store.delete(key);
  }
  let hashes = newHashes();
  const stream = {
    [Symbol.asyncIterator]: () => {
      hashes = newHashes();
      return hashed(recoded(from, to, dumped, signal), hashes);
    },
  };
  try {
    await to.store.create(key, { stream, expectedBytes: expectedBytes(from, to, dumped), replayable: true });
  } catch (error) {
    // A create that was tried again after its answer was lost: sealed anew, the same content is other bytes.
    const present = isDbadminError(error, 'storage-exists') ? await takePresent(from, to, dumped, signal) : undefined;
    if (present === undefined) throw error;
    return present;
  }
  return described(key, hashes);
}

/** About how long the object is in the destination: rather too much, for it decides the size of parts, of which there is a limit. */
function expectedBytes(from: Repository, to: Repository, { sizeBytes }: DumpedObject): number {
  if (to.keys !== undefined) return Math.ceil(sizeBytes * SEALED_MARGIN);
  return from.keys === undefined ? sizeBytes : Math.ceil(sizeBytes * UNSEALED_MARGIN);
}

/** What the destination has under the key, if it opens and is what the source has; undefined when it is anything else. */
async function takePresent(from: Repository, to: Repository, dumped: DumpedObject, signal: AbortSignal): Promise<DumpedObject | undefined> {
  const { key } = dumped;
  const hashes = newHashes();
  const wanted = await hashOf(plainOf(from, key, checked(from, dumped, signal)));
  try {
    if ((await hashOf(plainOf(to, key, hashed(to.store.readStream(key, signal), hashes)))) !== wanted) return undefined;
  } catch (error) {
    if (isOfOneObject(error)) return undefined;
    throw error;
  }
  return described(key, hashes);
}

interface Hashes {
  readonly blake3: Blake3;
  readonly sha256: ReturnType<typeof createHash>;
  sizeBytes: number;
}

function newHashes(): Hashes {
  return { blake3: new Blake3(), sha256: createHash('sha256'), sizeBytes: 0 };
}

function described(key: string, { blake3, sha256, sizeBytes }: Hashes): DumpedObject {
  return { key, sizeBytes, blake3: blake3.digest().toString('hex'), sha256: sha256.digest('hex') };
}

async function* hashed(pieces: AsyncIterable<Uint8Array>, hashes: Hashes): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hashes.blake3.update(piece);
    hashes.sha256.update(piece);
    hashes.sizeBytes += piece.byteLength;
    yield piece;
  }
}

async function hashOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = new Blake3();
  for await (const piece of pieces) hash.update(piece);
  return hash.digest().toString('hex');
}

/** The object as the destination is to store it. */
function recoded(from: Repository, to: Repository, dumped: DumpedObject, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const plain = plainOf(from, dumped.key, checked(from, dumped, signal));
  return to.keys === undefined ? plain : sealStream(to, 'dump', { key: dumped.key }, plain, 1);
}

function plainOf(repository: Repository, key: string, stored: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return repository.keys === undefined ? stored : unsealDumped(repository, key, stored);
}

/**
 * The object as the source stores it. Fails at its end when it is not what the manifest of the dump says: before it ends
 * nothing is made real of it, and what is made real cannot be deleted where objects are locked.
 */
async function* checked({ store }: Repository, { key, blake3 }: DumpedObject, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const hash = new Blake3();
  for await (const piece of store.readStream(key, signal)) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest().toString('hex') !== blake3) throw damaged(key, 'Its hash does not match the one in the manifest of the dump.');
}
