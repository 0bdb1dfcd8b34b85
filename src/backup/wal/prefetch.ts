import { nextSegment } from '../../postgres/segment.ts';
import type { FetchedWal } from './get-run.ts';

/** Segments of recovery fetched ahead, in memory: for a process that answers one request after another. */
export class Prefetcher {
  readonly #fetch: (name: string) => Promise<FetchedWal | undefined>;
  readonly #budgetBytes: number;
  readonly #ahead = new Map<string, Promise<FetchedWal | undefined>>();

  /** At most `budgetBytes` of segments lie ready. */
  constructor(fetch: (name: string) => Promise<FetchedWal | undefined>, budgetBytes: number) {
    this.#fetch = fetch;
    this.#budgetBytes = budgetBytes;
  }

  /** The file, from what lies ready or fetched now. What lay ready and was not a whole segment is asked for again: it may have grown. */
  async get(name: string): Promise<FetchedWal | undefined> {
    const ready = await this.#ahead.get(name);
    this.#ahead.delete(name);
    const found = ready ?? (await this.#fetch(name));
    if (found?.isWhole === true) this.#fetchAhead(name, found.bytes.byteLength);
    else this.#ahead.clear();
    return found;
  }

  #fetchAhead(name: string, segmentBytes: number): void {
    const wanted: string[] = [];
    for (let next = name; wanted.length < Math.floor(this.#budgetBytes / segmentBytes);) {
      next = nextSegment(next, segmentBytes);
      wanted.push(next);
    }
    for (const each of this.#ahead.keys()) if (!wanted.includes(each)) this.#ahead.delete(each);
    for (const each of wanted) {
      if (this.#ahead.has(each)) continue;
      // What fails or is not whole is asked for again when it is wanted, and judged then.
      const fetching = this.#fetch(each).then(
        (found) => (found?.isWhole === true ? found : undefined),
        () => undefined,
      );
      this.#ahead.set(each, fetching);
    }
  }
}
