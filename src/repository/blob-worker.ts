import { workerData } from 'node:worker_threads';
import { DbadminError } from '../base/errors.ts';
import { Slot, type SlotMemory } from './blob-slot.ts';
import { BlobTableReader, hashWords, type SharedTable } from './blob-table.ts';
import { contentHash, encryptBlob, RepositoryKeys } from './keys.ts';
import { answerJobs } from './worker-answers.ts';
import { Zstd } from './zstd.ts';

/** The thread behind a BlobPipeline: names blobs, and compresses and encrypts those that a target has not got. */

export interface BlobWorkerData {
  readonly level: number;
  /** For each target the repository key, or undefined where nothing is encrypted. */
  readonly repositoryKeys: readonly (Uint8Array | undefined)[];
  /** For each target what it has. */
  readonly known: readonly SharedTable[];
  readonly slots: readonly SlotMemory[];
}

export interface BlobJob {
  /** For whoever gets the answer. */
  readonly number: number;
  readonly slot: number;
  readonly blobs: number;
  /** For each target the pack that new content goes to; undefined for one that is given up. */
  readonly packs: readonly (string | undefined)[];
}

/** Stored bytes that differ from those in the slot: where several targets encrypt, each has its own. */
export interface BlobJobResult {
  readonly extras: readonly Uint8Array[];
}

/** Memory that the thread does not know yet: sending it with each job would cost more than the job's small blobs. */
export type BlobNews =
  | { readonly kind: 'known'; readonly known: readonly SharedTable[] }
  | { readonly kind: 'slot'; readonly memory: SlotMemory };

const data = workerData as BlobWorkerData;
const targets = data.repositoryKeys.map((key) => ({ keys: key === undefined ? undefined : new RepositoryKeys(key) }));
let known = data.known.map((table) => new BlobTableReader(table));
const slots = data.slots.map((memory) => new Slot(memory, targets.length));
const zstd = new Zstd(data.level);
let packKeys = new Map<string, Buffer>();

answerJobs<BlobJob, BlobJobResult, BlobNews>({
  work: (job) => {
    const slot = slots[job.slot];
    if (slot === undefined) throw new DbadminError('internal', `there is no slot ${job.slot}`);
    const extras: Uint8Array[] = [];
    for (let blob = 0; blob < job.blobs; blob += 1) workOn(slot, blob, job.packs, extras);
    return { result: { extras }, transfer: extras.map(({ buffer }) => buffer as ArrayBuffer) };
  },
  learn: (news) => {
    if (news.kind === 'slot') slots.push(new Slot(news.memory, targets.length));
    else known = news.known.map((table) => new BlobTableReader(table));
  },
});

function workOn(slot: Slot, blob: number, packs: BlobJob['packs'], extras: Uint8Array[]): void {
  const offset = slot.offsetOf(blob);
  const plain = slot.content.subarray(offset, offset + slot.lengthOf(blob));
  const hashes = nameFor(plain);
  const isNew = hashes.map((hash, target) => {
    const words = hashWords(hash);
    slot.hashOf(blob, target).set(words);
    return packs[target] !== undefined && (known[target]?.entryOf(words) ?? -1) < 0;
  });
  if (!isNew.includes(true)) {
    isNew.forEach((_, target) => slot.setOutcome(blob, target, { isNew: false, storedBytes: 0, zstd: false, extra: -1 }));
    return;
  }
  const compressed = zstd.compress(plain);
  const isShorter = compressed.byteLength < plain.byteLength;
  const clear = isShorter ? compressed : plain;
  const bodies = hashes.map((hash, target) => (isNew[target] === true ? bodyFor(target, packs[target] ?? '', hash, clear) : undefined));
  // Whose bytes lie in the slot: those without encryption are the same for all who have none.
  const inPlace = bodies.includes(clear) ? clear : bodies.find((body) => body !== undefined);
  bodies.forEach((body, target) => {
    const extra = body === undefined || body === inPlace ? -1 : extras.push(Uint8Array.from(body)) - 1;
    slot.setOutcome(blob, target, { isNew: body !== undefined, storedBytes: body?.byteLength ?? 0, zstd: isShorter, extra });
  });
  if (inPlace !== undefined && inPlace !== plain) inPlace.copy(slot.content, offset);
}

/** The blob's name in each target; reckoned once for all that have no key. */
function nameFor(plain: Buffer): readonly Buffer[] {
  let clear: Buffer | undefined;
  return targets.map((target) => (target.keys === undefined ? (clear ??= contentHash(target, plain)) : contentHash(target, plain)));
}

function bodyFor(target: number, pack: string, hash: Buffer, stored: Buffer): Buffer {
  const keys = targets[target]?.keys;
  if (keys === undefined) return stored;
  let key = packKeys.get(pack);
  if (key === undefined) {
    // A few packs are open at a time.
    if (packKeys.size > 16) packKeys = new Map();
    key = keys.packKey(pack);
    packKeys.set(pack, key);
  }
  return encryptBlob(key, hash, stored);
}
