import { writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/**
 * Writes `length` bytes of `bytes`, from `from` on, at `offset` of a file. One write may take only a part and say so without
 * an error: on a disk that fills up the first one does, and only the next says why.
 *
 * @throws what the system says, such as ENOSPC; a RangeError when `bytes` has not so many.
 */
export async function writeFully(
  handle: Pick<FileHandle, 'write'>,
  bytes: Uint8Array,
  from: number,
  length: number,
  offset: number,
): Promise<void> {
  for (let done = 0; done < length;) {
    const { bytesWritten } = await handle.write(bytes, from + done, length - done, offset + done);
    done += taken(bytesWritten);
  }
}

/** The same with a descriptor, at most `pieceBytes` at a time. */
export function writeFullySync(descriptor: number, bytes: Uint8Array, offset: number, pieceBytes: number): void {
  for (let done = 0; done < bytes.byteLength;) {
    done += taken(writeSync(descriptor, bytes, done, Math.min(pieceBytes, bytes.byteLength - done), offset + done));
  }
}

/** Nothing taken and nothing said: asked again, it could go on so for ever. */
function taken(bytesWritten: number): number {
  if (bytesWritten > 0) return bytesWritten;
  throw Object.assign(new Error('the system wrote nothing and named no error'), { code: 'EIO' });
}
