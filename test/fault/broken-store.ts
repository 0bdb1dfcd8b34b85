import { passThrough } from '../../src/storage/pass-through.ts';
import type { ObjectBody, ObjectStore, StreamedBody } from '../../src/storage/store.ts';

/** A method of a store that can go wrong. */
export type BreakableCall =
  | 'create'
  | 'read'
  | 'readRange'
  | 'readStream'
  | 'stat'
  | 'list'
  | 'delete'
  | 'erase'
  | 'extendLock'
  | 'removeUnfinished'
  | 'freeBytes'
  | 'probe';

const WRITES: readonly BreakableCall[] = ['create', 'delete', 'erase', 'extendLock', 'removeUnfinished'];

/**
 * How a call goes wrong. `fails`: before anything was done. `answer-lost`: it is done, and then fails. `half`: what is read in pieces
 * breaks off after the first, what is written after half of it. `killed`: the process ends before it. `torn`: the process ends when
 * half is written.
 */
export const FAULT_KINDS = ['fails', 'answer-lost', 'half', 'killed', 'torn'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Whether a call can go wrong so. */
export function meets(kind: FaultKind, call: BreakableCall): boolean {
  if (kind === 'answer-lost') return WRITES.includes(call);
  if (kind === 'half') return call === 'create' || call === 'readStream' || call === 'list';
  return kind !== 'torn' || call === 'create';
}

/** Asked at each call: undefined where nothing goes wrong. `end` throws, or ends the process. */
export type Breaker = (call: BreakableCall) => { readonly kind: FaultKind; readonly end: () => never } | undefined;

/** The store, some of whose calls go wrong. */
export function breakable(store: ObjectStore, breaker: Breaker): ObjectStore {
  const around = async <T>(name: BreakableCall, call: () => Promise<T>): Promise<T> => {
    const fault = breaker(name);
    if (fault !== undefined && fault.kind !== 'answer-lost') fault.end();
    const result = await call();
    fault?.end();
    return result;
  };
  return {
    ...passThrough(store),
    create: async (key, body, ...rest) => {
      const fault = breaker('create');
      if (fault?.kind === 'fails' || fault?.kind === 'killed') fault.end();
      const isTorn = fault !== undefined && fault.kind !== 'answer-lost';
      await store.create(key, isTorn ? tornBody(body, fault.end) : body, ...rest);
      fault?.end();
    },
    read: async (...call) => await around('read', async () => await store.read(...call)),
    readRange: async (...call) => await around('readRange', async () => await store.readRange(...call)),
    readStream: (...call) => pieces(breaker, 'readStream', () => store.readStream(...call)),
    stat: async (key) => await around('stat', async () => await store.stat(key)),
    list: (prefix) => pieces(breaker, 'list', () => store.list(prefix)),
    delete: async (key) => await around('delete', async () => await store.delete(key)),
    erase: async (prefix) => await around('erase', async () => await store.erase(prefix)),
    extendLock: async (...call) => await around('extendLock', async () => await store.extendLock(...call)),
    removeUnfinished: async (...call) => await around('removeUnfinished', async () => await store.removeUnfinished(...call)),
    freeBytes: async () => await around('freeBytes', async () => await store.freeBytes()),
    probe: async () => await around('probe', async () => await store.probe()),
  };
}

async function* pieces<T>(breaker: Breaker, name: BreakableCall, call: () => AsyncIterable<T>): AsyncGenerator<T> {
  const fault = breaker(name);
  if (fault?.kind === 'fails' || fault?.kind === 'killed') fault.end();
  for await (const piece of call()) {
    yield fault !== undefined && piece instanceof Uint8Array ? (piece.subarray(0, piece.byteLength / 2) as T) : piece;
    fault?.end();
  }
  // Nothing was in it: it breaks off all the same.
  fault?.end();
}

function tornBody(body: ObjectBody, end: () => never): StreamedBody {
  if (body instanceof Uint8Array) return { stream: half([body], end), sizeBytes: body.byteLength };
  return { ...body, stream: half(body.stream, end), replayable: false };
}

async function* half(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, end: () => never): AsyncGenerator<Uint8Array> {
  for await (const piece of stream) {
    yield piece.subarray(0, piece.byteLength / 2);
    // What was yielded has been written when more is asked for.
    break;
  }
  end();
}
