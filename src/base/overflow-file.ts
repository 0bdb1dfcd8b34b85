import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { DbadminError, messageOf } from './errors.ts';

/** Closes the files of those that nobody uses any more; the space of a file without a name is free then. */
const unused = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

/**
 * Bytes that would be too many in memory, in a file without a name in the temporary directory: it is gone with the process, however
 * that ends. Synchronous, for tables that are read by the row: what is here was written a moment ago, and the system has it at hand.
 */
export class OverflowFile {
  readonly #descriptor: number;
  /** Of what lies at each position: a storage that loses what was written to it gives zeros, and not always an error. */
  readonly #sums = new Map<number, number>();
  #endBytes = 0;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
    unused.register(this, descriptor);
  }

  /** Undefined where no file can be made there: what was to go into it stays in memory then. */
  static open(): OverflowFile | undefined {
    const name = path.join(os.tmpdir(), `dbadmin-overflow-${randomBytes(8).toString('hex')}`);
    let descriptor: number;
    try {
      descriptor = openSync(name, 'wx+', 0o600);
    } catch {
      return undefined;
    }
    try {
      unlinkSync(name);
    } catch {
      closeSync(descriptor);
      return undefined;
    }
    return new OverflowFile(descriptor);
  }

  /** Gives the position of what was written, or undefined where there is no room for it. */
  append(bytes: Uint8Array): number | undefined {
    const position = this.#endBytes;
    try {
      for (let done = 0; done < bytes.byteLength;)
        done += writeSync(this.#descriptor, bytes, done, bytes.byteLength - done, position + done);
    } catch {
      return undefined;
    }
    this.#endBytes += bytes.byteLength;
    this.#sums.set(position, crc32(bytes));
    return position;
  }

  /** Fills `target` with all that was written at `position`. @throws {DbadminError} `file-unreadable`. */
  read(position: number, target: Uint8Array): void {
    try {
      for (let done = 0; done < target.byteLength;) {
        const read = readSync(this.#descriptor, target, done, target.byteLength - done, position + done);
        if (read === 0) throw new Error('the file is shorter than what was written to it');
        done += read;
      }
      if (crc32(target) !== this.#sums.get(position)) throw new Error('it is not what was written');
    } catch (error) {
      throw new DbadminError('file-unreadable', 'what was set aside in the temporary directory cannot be read back', {
        detail: messageOf(error),
        hint: `Look at the storage of ${os.tmpdir()}, or give another directory with TMPDIR.`,
        cause: error,
      });
    }
  }
}
