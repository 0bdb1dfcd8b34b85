import type { Clock } from '../base/clock.ts';
import { passThrough } from './pass-through.ts';
import type { ObjectBody, ObjectStore } from './store.ts';

export interface ThrottleOptions {
  /** Content read and written together, in bytes a second; above zero. */
  readonly bytesPerSecond: number;
  readonly clock: Clock;
}

/** Content is held back in pieces of this, so that the rate is even and an interruption is noticed. */
const SLICE_BYTES = 64 * 1024;

/** `store`, with its content held to a rate over all calls together. What a server sends ahead into buffers is not seen. */
export function withThrottle(store: ObjectStore, options: ThrottleOptions): ObjectStore {
  const pass = createGate(options);
  const slow = async function* (pieces: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    for await (const piece of pieces) {
      for (let offset = 0; offset < piece.byteLength; offset += SLICE_BYTES) {
        const slice = piece.subarray(offset, offset + SLICE_BYTES);
        await pass(slice.byteLength, signal);
        yield slice;
      }
    }
  };
  return {
    ...passThrough(store),
    create: async (key, body, createOptions) => await store.create(key, slowBody(body, slow), createOptions),
    read: async (key, signal) => {
      const bytes = await store.read(key, signal);
      await pass(bytes.byteLength, signal);
      return bytes;
    },
    readRange: async (key, offsetBytes, lengthBytes, signal, room) => {
      await pass(lengthBytes, signal);
      return await store.readRange(key, offsetBytes, lengthBytes, signal, room);
    },
    readStream: (key, signal) => slow(store.readStream(key, signal), signal),
  };
}

function slowBody(body: ObjectBody, slow: (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>): ObjectBody {
  if (body instanceof Uint8Array) {
    const whole = { [Symbol.asyncIterator]: () => slow(once(body))[Symbol.asyncIterator]() };
    return { stream: whole, sizeBytes: body.byteLength, replayable: true };
  }
  const { stream } = body;
  return { ...body, stream: { [Symbol.asyncIterator]: () => slow(stream)[Symbol.asyncIterator]() } };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Waits until `bytes` more may go. Bytes take their turn in the order they ask; nothing is saved up while idle. */
function createGate({ bytesPerSecond, clock }: ThrottleOptions): (bytes: number, signal?: AbortSignal) => Promise<void> {
  let freeAtMs = 0;
  return async (bytes, signal) => {
    const nowMs = clock.now().getTime();
    const startMs = Math.max(nowMs, freeAtMs);
    freeAtMs = startMs + (bytes * 1000) / bytesPerSecond;
    if (startMs > nowMs) await clock.sleep(startMs - nowMs, signal);
  };
}
