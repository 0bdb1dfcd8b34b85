import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ByteSource } from '../../../src/postgres/byte-source.ts';
import { MessageReader } from '../../../src/postgres/message-reader.ts';
import { BACKEND, frontendMessage } from '../../../src/postgres/messages.ts';

interface Sent {
  readonly type: number;
  readonly body: Uint8Array;
}

const sent = fc.array(
  fc.record({ type: fc.constantFrom(BACKEND.copyData, BACKEND.dataRow, BACKEND.readyForQuery), body: fc.uint8Array({ maxLength: 40 }) }),
  { maxLength: 12 },
);
/** CopyData that is long enough to come in parts. */
const long = fc.uint8Array({ minLength: 9000, maxLength: 12_000 }).map((body): Sent => ({ type: BACKEND.copyData, body }));

test('messages are read whole however the bytes come', () => {
  fc.assert(
    fc.property(sent, fc.integer({ min: 1, max: 60 }), (messages, pieceBytes) => {
      const source = new Pieces(messages, pieceBytes);
      const reader = new MessageReader(source);
      const read: Sent[] = [];
      while (!source.isEmpty || read.length < messages.length) {
        const message = reader.tryRead();
        if (message !== undefined) read.push({ type: message.type, body: new Uint8Array(message.body) });
      }
      expect(read).toEqual(messages);
      expect(reader.tryRead()).toBeUndefined();
      expect(source.lent).toBe(0);
    }),
    { seed: 20261121 },
  );
});

test('long CopyData comes in parts that add up, everything else whole', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          sent.map((all) => all[0] ?? { type: BACKEND.copyDone, body: new Uint8Array() }),
          long,
        ),
        { maxLength: 5 },
      ),
      fc.integer({ min: 1, max: 5000 }),
      (messages, pieceBytes) => {
        const source = new Pieces(messages, pieceBytes);
        const reader = new MessageReader(source);
        const read: { type: number; body: number[] }[] = [];
        for (let part = reader.tryReadPart(); ; part = reader.tryReadPart()) {
          if (part === undefined) break;
          if (part.isStart) read.push({ type: part.type, body: [] });
          read.at(-1)?.body.push(...part.bytes);
          if (part.isEnd) expect(read.at(-1)?.body.length).toBe(messages[read.length - 1]?.body.length);
        }
        expect(read).toEqual(messages.map(({ type, body }) => ({ type, body: [...body] })));
      },
    ),
    { seed: 20261121, numRuns: 40 },
  );
});

test('a length that cannot be is refused', () => {
  const source = new Pieces([], 10);
  source.add(Buffer.from([0x64, 0xff, 0xff, 0xff, 0xff]));
  expect(() => new MessageReader(source).tryRead()).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
});

/** A source that has all its bytes at hand, in pieces, and counts what is lent. */
class Pieces implements ByteSource {
  readonly #pieces: Buffer[] = [];
  lent = 0;

  constructor(messages: readonly Sent[], pieceBytes: number) {
    const bytes = Buffer.concat(messages.map(({ type, body }) => frontendMessage(type, body)));
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) this.add(bytes.subarray(offset, offset + pieceBytes));
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  add(piece: Buffer): void {
    // A copy that is scrubbed when it goes back: a view kept too long shows.
    this.#pieces.push(Buffer.from(piece));
  }

  take(): Buffer | undefined {
    const piece = this.#pieces.shift();
    if (piece !== undefined) this.lent += 1;
    return piece;
  }

  release(piece: Buffer): void {
    piece.fill(0xee);
    this.lent -= 1;
  }

  async more(): Promise<void> {
    await Promise.reject(new Error('everything was at hand'));
  }
}
