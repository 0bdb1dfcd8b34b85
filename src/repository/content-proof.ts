import { isDbadminError } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { decompress } from './compress.ts';
import type { ContentSample } from './content-samples.ts';
import { damaged, unsealStream, type SealedKind } from './envelope.ts';
import { blake3, Blake3 } from './hash.ts';
import { CLEAR, decryptBlob, type RepositoryKeys, type Sealing } from './keys.ts';
import { readFooter } from './pack-footer.ts';
import { isOfOneObject } from './passed-over.ts';
import { explainUnread } from './unreadable.ts';

/** What one object proves. */
export type Proof =
  /** It is whole and not encrypted. */
  | { readonly key: string; readonly kind: 'clear'; readonly format?: 1 | 2 }
  /** `check` is that of the repository key that opens it. */
  | { readonly key: string; readonly kind: 'opened'; readonly check: string }
  /** It is whole and encrypted, and with none of these keys. */
  | { readonly key: string; readonly kind: 'closed' }
  | { readonly key: string; readonly kind: 'damaged' };

const MAGIC = 'DBADMIN1';
const FLAGS_AT = 9;
const FLAG_ENCRYPTED = 2;
const HASH_BYTES = 32;
const MAX_DUMP_MANIFEST_BYTES = 64 * 1024 * 1024;
/** Of format 1 names stand in a file's extents, of format 2 numbers: in JSON no path can look like either. */
const EXTENTS = /"extents":\[\[\d+,\d+,(["\d])/;

/** Reads an object to its end, with each of `candidates` where it is encrypted. Undefined when it is gone since it was listed. */
export async function proveBy(
  store: ObjectStore,
  sample: ContentSample,
  candidates: readonly RepositoryKeys[],
): Promise<Proof | undefined> {
  try {
    return sample.form === 'pack'
      ? await provePack(store, sample, candidates)
      : await proveSealed(store, sample.key, sample.form, candidates);
  } catch (caught) {
    const error = await explainUnread(store, sample.key, caught);
    if (isDbadminError(error, 'storage-missing')) return undefined;
    if (!isOfOneObject(error)) throw error;
    return { key: sample.key, kind: 'damaged' };
  }
}

async function proveSealed(store: ObjectStore, key: string, kind: SealedKind, candidates: readonly RepositoryKeys[]): Promise<Proof> {
  const size = (await store.stat(key))?.sizeBytes ?? 0;
  const start = Buffer.from(await store.readRange(key, 0, Math.min(size, FLAGS_AT + 1)));
  if (kind === 'dump' && start.toString('latin1', 0, MAGIC.length) !== MAGIC) return await proveClearDump(store, key, size);
  const isEncrypted = start.byteLength > FLAGS_AT && (start.readUInt8(FLAGS_AT) & FLAG_ENCRYPTED) !== 0;
  if (!isEncrypted) {
    const format = await readThrough(store, CLEAR, kind, key);
    return { key, kind: 'clear', ...(format === undefined ? {} : { format }) };
  }
  for (const keys of candidates) {
    try {
      await readThrough(store, { keys }, kind, key);
      return { key, kind: 'opened', check: keys.check };
    } catch (error) {
      if (!isOfOneObject(error)) throw error;
    }
  }
  return { key, kind: (await isWholeStream(store.readStream(key))) ? 'closed' : 'damaged' };
}

/** Reads a sealed object to its end and gives, of a manifest, the format of its lines. @throws {DbadminError} what is wrong with it. */
async function readThrough(store: ObjectStore, sealing: Sealing, kind: SealedKind, key: string): Promise<1 | 2 | undefined> {
  let format: 1 | 2 | undefined;
  let text = '';
  for await (const chunk of unsealStream(sealing, kind, store.readStream(key), key)) {
    if (kind !== 'manifest' || format !== undefined) continue;
    text = text.slice(-1024) + chunk.toString('latin1');
    const third = EXTENTS.exec(text)?.[1];
    if (third !== undefined) format = third === '"' ? 1 : 2;
  }
  return format;
}

/** Without encryption the manifest of a dump is plain JSON. */
async function proveClearDump(store: ObjectStore, key: string, sizeBytes: number): Promise<Proof> {
  if (sizeBytes > MAX_DUMP_MANIFEST_BYTES) return { key, kind: 'damaged' };
  try {
    JSON.parse(Buffer.from(await store.read(key)).toString('utf8'));
    return { key, kind: 'clear' };
  } catch (error) {
    if (error instanceof SyntaxError) return { key, kind: 'damaged' };
    throw error;
  }
}

/** By its first blob: packs say themselves where that lies, and whether it is encrypted. */
async function provePack(store: ObjectStore, { key, sizeBytes }: ContentSample, candidates: readonly RepositoryKeys[]): Promise<Proof> {
  const [systemIdentifier = '', , , pack = ''] = key.split('/');
  const [blob] = await readFooter({ store }, systemIdentifier, pack, sizeBytes);
  if (blob === undefined) return { key, kind: 'damaged' };
  const stored = Buffer.from(await store.readRange(key, blob.offset, blob.storedBytes));
  const name = Buffer.from(blob.hash, 'hex');
  if (!blob.encrypted) {
    const plain = blob.zstd
      ? await decompress(stored, blob.plainBytes).catch((error: unknown) => {
          throw damaged(key, 'Its first piece does not unpack.', error);
        })
      : stored;
    return { key, kind: blake3(plain).equals(name) ? 'clear' : 'damaged' };
  }
  const opening = candidates.find((keys) => decryptBlob(keys.packKey(pack), name, stored) !== undefined);
  // No hash without a key says whether the piece is whole: the footer is, and says that it is encrypted.
  return opening === undefined ? { key, kind: 'closed' } : { key, kind: 'opened', check: opening.check };
}

/** Whether the hash at the end of a sealed object is that of all before it. */
export function isWhole(bytes: Uint8Array): boolean {
  const end = bytes.byteLength - HASH_BYTES;
  return end > 0 && blake3(bytes.subarray(0, end)).equals(bytes.subarray(end));
}

async function isWholeStream(source: AsyncIterable<Uint8Array>): Promise<boolean> {
  const hash = new Blake3();
  let pending = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = Buffer.concat([pending, chunk]);
    const ready = pending.byteLength - HASH_BYTES;
    if (ready <= 0) continue;
    hash.update(pending.subarray(0, ready));
    pending = pending.subarray(ready);
  }
  return pending.byteLength === HASH_BYTES && hash.digest().equals(pending);
}
