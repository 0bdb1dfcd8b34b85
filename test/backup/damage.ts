import { seal, type SealedKind } from '../../src/repository/envelope.ts';
import { blake3 } from '../../src/repository/hash.ts';
import { CLEAR } from '../../src/repository/keys.ts';
import type { ObjectStore } from '../../src/storage/store.ts';

const HASH_BYTES = 32;

/** What becomes of an object's bytes: rot, a cut, and what somebody may put there who can only create. */
export type Damage = readonly [name: string, of: (bytes: Buffer, kind: SealedKind) => Buffer | Promise<Buffer>];

/** Ways to damage the beginning of a sealed object, so that its header cannot be had or relied on. */
export const HEAD_DAMAGES: readonly Damage[] = [
  ['its first sector is zeros', (bytes) => Buffer.concat([Buffer.alloc(Math.min(512, bytes.byteLength)), bytes.subarray(512)])],
  ['it is empty', () => Buffer.alloc(0)],
  ['it is cut', (bytes) => bytes.subarray(0, 20)],
  ['it is garbage', () => Buffer.from('garbage that somebody put there')],
  ['a bit of its flags flipped', (bytes) => withFlags(bytes, 0x40)],
  // Its hash matches: somebody wrote it so.
  [
    'its flags are of a newer version',
    (bytes) => {
      const content = withFlags(bytes, 0x40).subarray(0, -HASH_BYTES);
      return Buffer.concat([content, blake3(content)]);
    },
  ],
  ['its header says nothing', async (_, kind) => await seal(CLEAR, kind, {}, Buffer.alloc(0))],
  ['its header is no object', async (_, kind) => await seal(CLEAR, kind, [null], Buffer.alloc(0))],
  ['its header is null', async (_, kind) => await seal(CLEAR, kind, null as unknown as object, Buffer.alloc(0))],
  ['it is of another kind', async () => await seal(CLEAR, 'mark', {}, Buffer.alloc(0))],
];

/** Of an object that is never encrypted, which one bit says it is. */
export const SEEMS_ENCRYPTED: Damage = ['its flags say that it is encrypted', (bytes) => withFlags(bytes, (bytes[9] ?? 0) | 2)];

function withFlags(bytes: Buffer, flags: number): Buffer {
  return Buffer.concat([bytes.subarray(0, 9), Buffer.from([flags]), bytes.subarray(10)]);
}

/** One bit near the end flips: the header can be read, and the hash does not match. */
export function flipBody(bytes: Buffer): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[flipped.byteLength - 40] = (flipped[flipped.byteLength - 40] ?? 0) ^ 1;
  return flipped;
}

export async function damage(store: ObjectStore, key: string, of: (bytes: Buffer) => Buffer | Promise<Buffer>): Promise<void> {
  const bytes = Buffer.from(await store.read(key));
  await store.delete(key);
  await store.create(key, await of(bytes));
}
