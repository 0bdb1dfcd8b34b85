import { damaged, seal, unseal } from './envelope.ts';
import { indexPrefix } from './layout.ts';
import type { Repository } from './repository.ts';
import { decodeEntries, encodeEntries, entriesBytes, type PackedBlob } from './pack.ts';

const MAX_INDEX_BYTES = 1 << 30;
const PACK_NAME_BYTES = 16;

/** Where a blob lies: which pack, and where in it. */
export interface BlobPlace extends PackedBlob {
  /** 32 hex digits. */
  readonly pack: string;
}

/** A pack and what it holds, as an index object lists it. */
export interface IndexedPack {
  readonly pack: string;
  readonly blobs: readonly PackedBlob[];
}

/** Which content a lineage has and where, from all its index objects. */
export class BlobIndex {
  readonly #places = new Map<string, BlobPlace>();

  /** Reads every index object of the lineage. An unreadable one is an error: content would seem missing. */
  static async load(repository: Repository, systemIdentifier: string): Promise<BlobIndex> {
    const index = new BlobIndex();
    for await (const object of repository.store.list(indexPrefix(systemIdentifier))) {
      const { body } = await unseal(repository, 'index', await repository.store.read(object.key), object.key, MAX_INDEX_BYTES);
      for (const pack of decodeIndex(body, object.key)) index.add(pack);
    }
    return index;
  }

  add(pack: IndexedPack): void {
    for (const blob of pack.blobs) if (!this.#places.has(blob.hash)) this.#places.set(blob.hash, { ...blob, pack: pack.pack });
  }

  find(hash: string): BlobPlace | undefined {
    return this.#places.get(hash);
  }

  get size(): number {
    return this.#places.size;
  }
}

/** Writes one index object for the packs a run has stored. `name` is unique: UTC time and random digits. */
export async function writeIndex(
  repository: Repository,
  systemIdentifier: string,
  name: string,
  packs: readonly IndexedPack[],
): Promise<void> {
  const header = { packs: packs.length, blobs: packs.reduce((sum, pack) => sum + pack.blobs.length, 0) };
  await repository.store.create(`${indexPrefix(systemIdentifier)}${name}`, await seal(repository, 'index', header, encodeIndex(packs)));
}

function encodeIndex(packs: readonly IndexedPack[]): Buffer {
  return Buffer.concat(
    packs.flatMap(({ pack, blobs }) => {
      const head = Buffer.alloc(PACK_NAME_BYTES + 4);
      head.write(pack, 0, 'hex');
      head.writeUInt32BE(blobs.length, PACK_NAME_BYTES);
      return [head, encodeEntries(blobs)];
    }),
  );
}

function* decodeIndex(body: Buffer, name: string): Generator<IndexedPack> {
  let at = 0;
  while (at < body.byteLength) {
    if (body.byteLength < at + PACK_NAME_BYTES + 4) throw damaged(name, 'Its list of packs is cut short.');
    const pack = body.toString('hex', at, at + PACK_NAME_BYTES);
    const count = body.readUInt32BE(at + PACK_NAME_BYTES);
    at += PACK_NAME_BYTES + 4;
    yield { pack, blobs: decodeEntries(body.subarray(at, at + entriesBytes(count)), count, name) };
    at += entriesBytes(count);
  }
}
