import { createHash } from 'node:crypto';
import { isDbadminError } from '../../base/errors.ts';
import { damaged, seal, SEALED_KINDS, sealStream, unseal, unsealStream, type SealedKind } from '../../repository/envelope.ts';
import { Blake3 } from '../../repository/hash.ts';
import { holdPrefix } from '../../repository/layout.ts';
import { copyLedgerEntry, ledgerPrefix } from '../../repository/ledger.ts';
import { reportPrefix } from '../../repository/reports.ts';
import type { Repository } from '../../repository/repository.ts';
import type { DumpedObject } from '../dump/manifest.ts';
import { dumpManifestKey } from '../dump/layout.ts';
import { listDumps, readDumpManifest, writeDumpManifest } from '../dump/stored-dump.ts';
import type { UncopiedList } from './uncopied-run.ts';

const MAX_OBJECT_BYTES = 64 * 1024 * 1024;
const KIND_AT = 8;

/**
 * Copies holds, the ledger, and reports of drills and verifications that the destination has not got, sealed anew for it;
 * what cannot be read is passed over and told.
 */
export async function copySealed(from: Repository, to: Repository, systemIdentifier: string, uncopied: UncopiedList): Promise<number> {
  const prefixes = [
    holdPrefix(systemIdentifier),
    ledgerPrefix(systemIdentifier),
    reportPrefix(systemIdentifier, 'drill'),
    reportPrefix(systemIdentifier, 'verification'),
    `${systemIdentifier}/gaps/`,
  ];
  let copied = 0;
  for (const prefix of prefixes) {
    const present = new Set<string>();
    for await (const { key } of to.store.list(prefix)) present.add(key);
    const missing: string[] = [];
    for await (const { key } of from.store.list(prefix)) if (!present.has(key)) missing.push(key);
    for (const key of missing) {
      const isCopied = await uncopied.attempt({ kind: 'object', name: key, key }, async () => await copyOne(from, to, key));
      if (isCopied === true) copied += 1;
    }
  }
  return copied;
}

async function copyOne(from: Repository, to: Repository, key: string): Promise<boolean> {
  const bytes = Buffer.from(await from.store.read(key));
  const letter = bytes.toString('latin1', KIND_AT, KIND_AT + 1);
  const kind = (Object.keys(SEALED_KINDS) as SealedKind[]).find((each) => SEALED_KINDS[each] === letter);
  if (kind === undefined) throw damaged(key, `It holds an object of a kind that is not known: ${JSON.stringify(letter)}.`);
  try {
    // A password's verifier must not come where it would lie open.
    if (kind === 'ledger') await copyLedgerEntry(from, to, key);
    else {
      const { header, body } = await unseal(from, kind, bytes, key, MAX_OBJECT_BYTES);
      await to.store.create(key, await seal(to, kind, header, body));
    }
    return true;
  } catch (error) {
    if (!isDbadminError(error, 'storage-exists')) throw error;
    return false;
  }
}

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
    if (present.has(label)) continue;
    const isCopied = await uncopied.attempt({ kind: 'dump', name: label, key: dumpManifestKey(prefix, label) }, async () => {
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

/** One object, under the same key; what an interrupted copy left there is written anew. */
async function copyDumped(from: Repository, to: Repository, { key, blake3 }: DumpedObject, signal: AbortSignal): Promise<DumpedObject> {
  await to.store.delete(key);
  const stored = { read: new Blake3(), blake3: new Blake3(), sha256: createHash('sha256'), sizeBytes: 0 };
  const stream = {
    [Symbol.asyncIterator]: () => {
      Object.assign(stored, { read: new Blake3(), blake3: new Blake3(), sha256: createHash('sha256'), sizeBytes: 0 });
      return recoded(from, to, key, signal, stored);
    },
  };
  await to.store.create(key, { stream, replayable: true });
  if (stored.read.digest().toString('hex') !== blake3) {
    await to.store.delete(key);
    throw damaged(key, 'Its hash does not match the one in the manifest of the dump.');
  }
  return { key, sizeBytes: stored.sizeBytes, blake3: stored.blake3.digest().toString('hex'), sha256: stored.sha256.digest('hex') };
}

interface Hashes {
  read: Blake3;
  blake3: Blake3;
  sha256: ReturnType<typeof createHash>;
  sizeBytes: number;
}

/** The object as the destination stores it; both forms are hashed on the way. */
async function* recoded(from: Repository, to: Repository, key: string, signal: AbortSignal, hashes: Hashes): AsyncGenerator<Uint8Array> {
  const plain =
    from.keys === undefined ? read(from, key, signal, hashes) : unsealStream(from, 'dump', read(from, key, signal, hashes), key);
  const pieces = to.keys === undefined ? plain : sealStream(to, 'dump', { key }, plain, 1);
  for await (const piece of pieces) {
    hashes.blake3.update(piece);
    hashes.sha256.update(piece);
    hashes.sizeBytes += piece.byteLength;
    yield piece;
  }
}

async function* read({ store }: Repository, key: string, signal: AbortSignal, hashes: Hashes): AsyncGenerator<Uint8Array> {
  for await (const piece of store.readStream(key, signal)) {
    hashes.read.update(piece);
    yield piece;
  }
}
