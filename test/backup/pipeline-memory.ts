import { BlobIndex } from '../../src/repository/blob-index.ts';
import { BlobPipeline } from '../../src/repository/blob-pipeline.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { makeMemoryRepository } from './memory-repository.ts';

/**
 * A process of its own that stores made-up content and tells what memory it took:
 * `node pipeline-memory.ts <small files> <megabytes of large ones>`. Prints JSON.
 */

const FILE_BYTES = 8192;
const MEGABYTE = 1024 * 1024;

/** A store that takes every byte and keeps none but of small objects. */
function forgetfulStore(): ObjectStore {
  const inner = createMemoryStore();
  const create: ObjectStore['create'] = async (key, body) => {
    if (body instanceof Uint8Array) {
      await inner.create(key, body);
      return;
    }
    // A disk is slower than this machine's memory.
    for await (const piece of body.stream) await new Promise((resolve) => setTimeout(resolve, piece.byteLength / MEGABYTE));
  };
  return new Proxy(inner, {
    get: (target, name: keyof ObjectStore) => {
      const value = name === 'create' ? create : target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Content like that of a table: rows with much in common, no page like another. */
function fill(bytes: Buffer, seed: number): void {
  for (let at = 0; at + 64 <= bytes.byteLength; at += 64) {
    bytes.writeUInt32LE((seed * 2_654_435_761) % 4_294_967_296, at);
    bytes.writeUInt32LE(at, at + 4);
    bytes.writeDoubleLE(Math.sin(seed + at), at + 8);
  }
}

const [files = 0, megabytes = 0] = process.argv.slice(2).map(Number);
const repository = await makeMemoryRepository(false, forgetfulStore());
const pipeline = new BlobPipeline([{ repository, systemIdentifier: '1', known: new BlobIndex() }]);
let named = 0;
for (let n = 0; n < files + megabytes; n += 1) {
  const room = await pipeline.reserve(n < files ? FILE_BYTES : MEGABYTE);
  fill(room.bytes, n);
  room.submit(room.bytes.byteLength, () => (named += 1));
}
const [outcome] = await pipeline.finish('20261121T000000Z-0000000000000000');
await pipeline.close();
const maxRssBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(
  `${JSON.stringify({ named, maxRssBytes, ...(outcome?.kind === 'stored' ? { newBlobs: outcome.written.newBlobs } : {}) })}\n`,
);
