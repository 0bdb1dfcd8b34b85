import { piecesOf } from './body.ts';
import { missingObject } from './failures.ts';
import type { ObjectBody, ObjectStore } from './store.ts';

/**
 * Whether the object under `key` holds exactly the bytes of `body`. Reads both in pieces and stops at the first
 * difference; a streamed body must be replayable or not begun.
 *
 * @throws {DbadminError} as {@link ObjectStore.readStream}; `storage-missing` when there is no such object.
 */
export async function sameContent(store: ObjectStore, key: string, body: ObjectBody): Promise<boolean> {
  const saidBytes = body instanceof Uint8Array ? body.byteLength : body.sizeBytes;
  if (saidBytes !== undefined) {
    const object = await store.stat(key);
    if (object === undefined) throw missingObject(store.description, key);
    if (object.sizeBytes !== saidBytes) return false;
  }
  const stored = store.readStream(key)[Symbol.asyncIterator]();
  const wanted = piecesOf(body, store.description, key)[Symbol.asyncIterator]();
  try {
    return await sameBytes(stored, wanted);
  } finally {
    await stored.return?.();
    await wanted.return?.();
  }
}

async function sameBytes(left: AsyncIterator<Uint8Array>, right: AsyncIterator<Uint8Array>): Promise<boolean> {
  let a = await nextPiece(left);
  let b = await nextPiece(right);
  while (a !== undefined && b !== undefined) {
    const length = Math.min(a.byteLength, b.byteLength);
    if (Buffer.compare(a.subarray(0, length), b.subarray(0, length)) !== 0) return false;
    a = a.byteLength > length ? a.subarray(length) : await nextPiece(left);
    b = b.byteLength > length ? b.subarray(length) : await nextPiece(right);
  }
  return a === undefined && b === undefined;
}

async function nextPiece(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = await iterator.next();
    if (done === true) return undefined;
    if (value.byteLength > 0) return value;
  }
}
