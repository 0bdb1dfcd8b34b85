import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeDirectories } from '../../base/make-directories.ts';
import { nextSegment } from '../../postgres/segment.ts';
import { blake3 } from '../../repository/hash.ts';
import { writeWhole } from './get-run.ts';

/** Whole segments that one call of `wal get` fetched for those after it: files named `<segment>.<BLAKE3 of the content>`. */
export class WalSpool {
  readonly #directory: string;

  /** Beside where recovery wants its files; made when something is put into it. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Takes a segment out. What is not what its name says is removed and not given. */
  async take(segment: string): Promise<Buffer | undefined> {
    const file = (await this.#files()).find((each) => each.startsWith(`${segment}.`));
    if (file === undefined) return undefined;
    const place = path.join(this.#directory, file);
    const bytes = await readFile(place).catch(() => undefined);
    await rm(place, { force: true });
    return bytes !== undefined && file === `${segment}.${blake3(bytes).toString('hex')}` ? bytes : undefined;
  }

  async put(segment: string, bytes: Buffer): Promise<void> {
    await makeDirectories(this.#directory, 0o700);
    await writeWhole(path.join(this.#directory, `${segment}.${blake3(bytes).toString('hex')}`), bytes);
  }

  /** Removes everything: recovery is over, or has turned elsewhere. */
  async clear(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #files(): Promise<readonly string[]> {
    return await readdir(this.#directory).catch(() => []);
  }
}

/** Each takes some four times its size while it is read, decrypted and decompressed. */
const FETCHED_AT_ONCE = 2;

/** Fetches the `count` segments after one into the spool. What is not there or fails is left: it is asked for again when it is wanted. */
export async function fillSpool(
  spool: WalSpool,
  after: { readonly segment: string; readonly segmentBytes: number; readonly count: number },
  fetch: (segment: string) => Promise<Buffer | undefined>,
): Promise<void> {
  const names: string[] = [];
  for (let name = after.segment; names.length < after.count; names.push(name)) name = nextSegment(name, after.segmentBytes);
  const rest = names.values();
  const fetchRest = async (): Promise<void> => {
    for (const name of rest) {
      const bytes = await fetch(name).catch(() => undefined);
      if (bytes !== undefined) await spool.put(name, bytes).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: FETCHED_AT_ONCE }, fetchRest));
}
