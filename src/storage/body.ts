import { wrongLength } from './failures.ts';
import type { ObjectBody } from './store.ts';

/** The stream that a create was given failed, not the store: its error, kept apart until {@link ownFailure}. */
export class BodyFailure extends Error {
  override readonly name = 'BodyFailure';
}

/** What a store throws for `error`: the source's own error when the source failed, else what `translate` makes of it. */
export function ownFailure(error: unknown, translate: (error: unknown) => unknown): unknown {
  return error instanceof BodyFailure ? error.cause : translate(error);
}

/**
 * The pieces of a body in order, empty ones left out; the source's errors come as {@link BodyFailure}. Ends with `storage-failed` when the length is not the announced one,
 * before more than the announced bytes are passed on. `at` and `key` are for the message.
 */
export async function* piecesOf(body: ObjectBody, at: string, key: string): AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) {
    if (body.byteLength > 0) yield body;
    return;
  }
  let total = 0;
  for await (const piece of guarded(body.stream)) {
    if (piece.byteLength === 0) continue;
    total += piece.byteLength;
    if (body.sizeBytes !== undefined && total > body.sizeBytes) throw wrongLength(at, key, total, body.sizeBytes);
    yield piece;
  }
  if (body.sizeBytes !== undefined && total !== body.sizeBytes) throw wrongLength(at, key, total, body.sizeBytes);
}

async function* guarded(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw new BodyFailure('the content of a new object cannot be read', { cause: error });
  }
}

/** One array of all pieces: for content known to be small. */
export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all.length === 1 && all[0] !== undefined ? all[0] : Buffer.concat(all);
}
