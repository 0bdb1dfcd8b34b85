import { readIndex, type BlobPlace } from '../../repository/blob-index.ts';
import { openBlob } from '../../repository/blob-reader.ts';
import { damaged } from '../../repository/envelope.ts';
import { blake3 } from '../../repository/hash.ts';
import { indexPrefix, packKey, packPrefix } from '../../repository/layout.ts';
import { encodeEntries, entriesBytes, PACK_START, TRAILER_BYTES, type PackedBlob } from '../../repository/pack.ts';
import { readFooter } from '../../repository/pack-footer.ts';
import type { StoredObject } from '../../storage/store.ts';
import { placeOf } from './object-place.ts';
import { asFault, inParallel, isRead, type VerifyTask } from './task.ts';
import { frameHeaderFault } from './zstd-frame.ts';

/** Neighbouring blobs are read, and chosen for a sample, together up to this size. */
const RUN_BYTES = 4 * 1024 * 1024;
const AT_ONCE = 3;

/** What an index says of a pack: enough to compare it with the pack's own footer. */
interface Expected {
  readonly index: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** What was found out about the packs of a lineage. */
export interface PackFindings {
  /** Packs that an index names and that are not there. Only a backup that needs one makes it a fault. */
  readonly missing: ReadonlySet<string>;
  /** Packs that no index names: what a killed run leaves, or one that is under way. */
  readonly unindexed: number;
}

/** Checks every index and pack: each index readable, each pack there, of the right size, with the footer its index says; content as far as it is to be read. */
export async function verifyPacks(task: VerifyTask): Promise<PackFindings> {
  const expected = await readExpected(task);
  const missing = new Set(expected.keys());
  let unindexed = 0;
  await inParallel(task.repository.store.list(packPrefix(task.systemIdentifier)), AT_ONCE, async (object) => {
    task.tally.objects += 1;
    const place = placeOf(object.key);
    if (place.kind !== 'pack') {
      task.faults.add({ kind: 'damaged', object: object.key, detail: 'No pack has such a name.' });
      return;
    }
    missing.delete(place.pack);
    task.tally.packs += 1;
    const told = expected.get(place.pack);
    if (told === undefined) unindexed += 1;
    const isOk = await verifyPack(task, place.pack, object, told);
    if (!isOk) task.faults.packs.add(place.pack);
  });
  return { missing, unindexed };
}

async function readExpected(task: VerifyTask): Promise<ReadonlyMap<string, Expected>> {
  const { repository, systemIdentifier } = task;
  const read: { readonly key: string; readonly isTrusted: boolean; readonly listed: ReadonlyMap<string, Expected> }[] = [];
  for await (const { key } of repository.store.list(indexPrefix(systemIdentifier))) {
    task.tally.objects += 1;
    let isTrusted = true;
    const listed = new Map<string, Expected>();
    const failure = await asFault(task, key, async () => {
      for await (const { pack, blobs } of readIndex(repository, key, (is) => (isTrusted = is)))
        listed.set(pack, { index: key, digest: digestOf(blobs), sizeBytes: packBytes(blobs) });
    });
    if (failure !== undefined) task.faults.indexes.add(key);
    else read.push({ key, isTrusted, listed });
  }
  const expected = new Map<string, Expected>();
  // What anybody may have written is compared with the rest, and not the rest with it.
  for (const { key, listed } of read.sort((a, b) => Number(b.isTrusted) - Number(a.isTrusted))) {
    const failure = await asFault(task, key, async () => refuseContradiction(key, listed, expected));
    if (failure !== undefined) task.faults.indexes.add(key);
    else for (const [pack, told] of listed) if (!expected.has(pack)) expected.set(pack, told);
  }
  return expected;
}

function refuseContradiction(key: string, listed: ReadonlyMap<string, Expected>, expected: ReadonlyMap<string, Expected>): void {
  for (const [pack, { digest }] of listed) {
    const before = expected.get(pack);
    if (before !== undefined && before.digest !== digest)
      throw damaged(key, `It says of pack ${pack} something else than ${before.index} does.`);
  }
}

/**
 * Whether the content of a pack can be had, as far as it is read. A restore goes by the index, and does without the footer: where that is damaged, which is a fault of
 * the pack, all of the content is read by what the index says, and only what does not open is lost.
 */
async function verifyPack(task: VerifyTask, pack: string, object: StoredObject, told: Expected | undefined): Promise<boolean> {
  const { key } = object;
  let blobs: readonly PackedBlob[] = [];
  const failure = await asFault(task, key, async () => {
    blobs = await readEnds(task, pack, object, told);
  });
  if (failure !== undefined && told?.sizeBytes !== object.sizeBytes) return false;
  if (failure === undefined && task.extent.kind === 'structure' && !task.suspects.has(key)) {
    task.tally.blobs += blobs.length;
    return true;
  }
  const unread = await asFault(task, key, async () => {
    if (failure !== undefined && told !== undefined) blobs = await blobsByIndex(task, pack, told);
    task.tally.blobs += blobs.length;
    for (const run of runsOf(blobs)) {
      if (failure === undefined && !isRead(task, key, `${pack} ${run[0]?.offset ?? 0}`)) continue;
      await verifyRun(task, pack, key, run);
    }
  });
  return unread === undefined;
}

/** What an index that was read before says of one pack. */
async function blobsByIndex(task: VerifyTask, pack: string, { index }: Expected): Promise<readonly PackedBlob[]> {
  for await (const each of readIndex(task.repository, index)) if (each.pack === pack) return each.blobs;
  throw damaged(index, `It does not name pack ${pack} any more.`);
}

/** Looks at the beginning and the end of a pack; gives what its footer says is in between. */
async function readEnds(
  task: VerifyTask,
  pack: string,
  { key, sizeBytes }: StoredObject,
  told: Expected | undefined,
): Promise<readonly PackedBlob[]> {
  if (told !== undefined && told.sizeBytes !== sizeBytes)
    throw damaged(key, `It has ${sizeBytes} bytes, and ${told.index} says ${told.sizeBytes}.`);
  if (sizeBytes < PACK_START.byteLength + TRAILER_BYTES) throw damaged(key, `It has ${sizeBytes} bytes: less than any pack.`);
  const blobs = await readFooter(task.repository, task.systemIdentifier, pack, sizeBytes);
  if (told !== undefined && told.digest !== digestOf(blobs)) throw damaged(key, `Its footer is not what ${told.index} says.`);
  if (packBytes(blobs) !== sizeBytes) throw damaged(key, 'Its blobs do not fill it.');
  if (task.extent.kind === 'structure' && !task.suspects.has(key)) return blobs;
  const start = await task.repository.store.readRange(key, 0, PACK_START.byteLength);
  if (!PACK_START.equals(start)) throw damaged(key, 'It does not begin as a pack.');
  return blobs;
}

/** Reads neighbouring blobs at once. One that is broken does not hide the others. */
async function verifyRun(task: VerifyTask, pack: string, key: string, run: readonly PackedBlob[]): Promise<void> {
  const from = run[0]?.offset ?? 0;
  const last = run.at(-1);
  const length = (last === undefined ? from : last.offset + last.storedBytes) - from;
  task.signal.throwIfAborted();
  const bytes = await task.repository.store.readRange(key, from, length, task.signal);
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const blob of run) {
    const place: BlobPlace = { ...blob, pack };
    const at = blob.offset - from;
    const failure = await asFault(task, key, async () => {
      const bytesOfBlob = stored.subarray(at, at + blob.storedBytes);
      await openBlob(task.repository, bytesOfBlob, place, key);
      const fault = blob.zstd && !blob.encrypted ? frameHeaderFault(bytesOfBlob) : undefined;
      if (fault !== undefined) throw damaged(key, `Blob ${blob.hash}: ${fault}`);
    });
    if (failure !== undefined) task.faults.addBlob(pack, blob.hash);
  }
  task.tally.readBytes += length;
  task.onRead(length);
}

/** Neighbours up to {@link RUN_BYTES}. The blobs of a sound pack lie one behind the other. */
function runsOf(blobs: readonly PackedBlob[]): readonly (readonly PackedBlob[])[] {
  const runs: PackedBlob[][] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (runs.length === 0 || bytes + blob.storedBytes > RUN_BYTES) {
      runs.push([]);
      bytes = 0;
    }
    runs.at(-1)?.push(blob);
    bytes += blob.storedBytes;
  }
  return runs;
}

function digestOf(blobs: readonly PackedBlob[]): string {
  return blake3(encodeEntries(blobs)).toString('hex');
}

/** The size of a pack with these blobs; NaN when they do not lie one behind the other, so that it equals no size. */
function packBytes(blobs: readonly PackedBlob[]): number {
  let end = PACK_START.byteLength;
  for (const { offset, storedBytes } of blobs) {
    if (offset !== end) return Number.NaN;
    end += storedBytes;
  }
  return end + entriesBytes(blobs.length) + TRAILER_BYTES;
}

/** The key of a pack of this lineage, for messages. */
export function nameOfPack(task: VerifyTask, pack: string): string {
  return packKey(task.systemIdentifier, pack);
}
