import { expect, test } from 'vitest';
import { writeFully } from '../../../src/base/write-fully.ts';

/** A file that takes so many bytes of each write, as a disk with that little room does. */
function fileTaking(...counts: readonly number[]): { readonly content: Buffer; readonly write: never } {
  const content = Buffer.alloc(12);
  const left = [...counts];
  const write = async (bytes: Uint8Array, from: number, length: number, at: number): Promise<{ bytesWritten: number }> => {
    const bytesWritten = Math.min(length, left.shift() ?? 0);
    content.set(bytes.subarray(from, from + bytesWritten), at);
    return await Promise.resolve({ bytesWritten });
  };
  return { content, write: write as never };
}

test('what one write leaves over the next ones write', async () => {
  const file = fileTaking(3, 1, 100);
  await writeFully(file, Buffer.from('--0123456789--'), 2, 10, 2);
  expect(file.content.toString('latin1')).toBe('\0\x000123456789');
});

test('a write that takes nothing and names no error is one', async () => {
  await expect(writeFully(fileTaking(3, 0), Buffer.from('0123456789'), 0, 10, 0)).rejects.toMatchObject({ code: 'EIO' });
});
