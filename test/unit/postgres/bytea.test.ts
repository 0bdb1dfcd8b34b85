import { expect, test } from 'vitest';
import { parseBytea } from '../../../src/postgres/bytea.ts';

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

test.each([
  ['', Buffer.alloc(0)],
  ['\\x', Buffer.alloc(0)],
  ['\\x5c00ff', Buffer.from([0x5c, 0, 0xff])],
  ['# a comment\nwork_mem = 5MB', Buffer.from('# a comment\nwork_mem = 5MB')],
  ['gr\\366\\337e', Buffer.from('größe', 'latin1')],
  // A backslash that is one, and what looks like another byte behind it.
  ['\\\\x41', Buffer.from('\\x41')],
  ['\\\\366', Buffer.from('\\366')],
  ['\\\\\\366', Buffer.from('\\ö', 'latin1')],
])('parseBytea of %j - gives its bytes, in whichever form it is', (text, bytes) => {
  expect(parseBytea(text)).toEqual(bytes);
});

test('parseBytea: every byte comes back from both forms', () => {
  const escaped = Array.from(ALL_BYTES, (byte) =>
    byte === 0x5c ? '\\\\' : byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte),
  ).join('');
  expect(parseBytea(escaped)).toEqual(ALL_BYTES);
  expect(parseBytea(`\\x${ALL_BYTES.toString('hex')}`)).toEqual(ALL_BYTES);
});
