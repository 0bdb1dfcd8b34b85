import { randomBytes } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { PiecesAtHand } from '../../../src/repository/pieces-at-hand.ts';

const MIB = 1024 * 1024;

afterEach(() => vi.unstubAllEnvs());

test.for([
  ['in a file', undefined],
  ['in memory where there is no room for a file', '/there/is/no/such/directory'],
] as const)('pieces come as often as they are asked for, those beyond four megabytes %s', async ([, temporary]) => {
  if (temporary !== undefined) vi.stubEnv('TMPDIR', temporary);
  const pieces = Array.from({ length: 10 }, (_, n) => randomBytes(n === 7 ? 0 : MIB - n));
  const held = new PiecesAtHand();
  for (const piece of pieces) held.add(piece);
  const whole = Buffer.concat(pieces);
  expect(held.sizeBytes).toBe(whole.byteLength);
  for (let round = 0; round < 2; round += 1) expect(Buffer.concat(await allOf(held)).equals(whole)).toBe(true);
});

test('what is beyond four megabytes is not in memory', async () => {
  const held = new PiecesAtHand();
  const pieces = Array.from({ length: 6 }, () => Buffer.alloc(MIB, 'a'));
  for (const piece of pieces) held.add(piece);
  // What still lies in memory is the very piece, and would come back as it is now.
  for (const piece of pieces) piece.fill('b');
  const firsts = (await allOf(held)).map((piece) => String.fromCharCode(piece[0] ?? 0));
  expect(firsts.join('')).toBe('bbbbaa');
});

async function allOf(pieces: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}
