import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { BlobIndex } from '../../repository/blob-index.ts';

/** What a run knows to be damaged of the content that a repository has: nothing new may rest on it. */
export class DamagedContent {
  readonly #repository: string;
  readonly #log: Log;
  readonly #names = new Set<string>();
  /** Of each pack one fault is told. */
  readonly #toldPacks = new Set<string>();
  #index: BlobIndex | undefined;
  #missingPacks: ReadonlySet<string> = new Set();

  /** `repository` as the configuration calls it. */
  constructor(repository: string, log: Log) {
    this.#repository = repository;
    this.#log = log;
  }

  /** Whether nothing is known. */
  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#missingPacks.size === 0;
  }

  /** `hash` is the name of a blob. */
  has(hash: string): boolean {
    return this.#names.has(hash) || this.#missingPackOf(hash) !== undefined;
  }

  /** Notes a blob of a pack that cannot be read for what `error` says. */
  add(hash: string, pack: string, error: unknown): void {
    this.#names.add(hash);
    if (this.#toldPacks.has(pack)) return;
    this.#toldPacks.add(pack);
    this.#log.warn(`content of earlier backups is damaged in ${this.#repository}: ${reasonOf(error)}`);
  }

  /** Notes packs that an index names and that are not there: whatever the index finds in them is damaged. */
  miss(packs: ReadonlySet<string>, index: BlobIndex): void {
    this.#missingPacks = packs;
    this.#index = index;
  }

  /** Whether any of some blobs lies in a pack that is missing. Warns of these packs. */
  tellMissing(hashes: Iterable<string>): boolean {
    const missing = new Set<string>();
    for (const hash of this.#missingPacks.size === 0 ? [] : hashes) {
      const pack = this.#missingPackOf(hash);
      if (pack !== undefined) missing.add(pack);
    }
    const [first] = missing;
    if (first === undefined) return false;
    const which = missing.size === 1 ? `pack ${first} is` : `${missing.size} packs, as ${first}, are`;
    this.#log.warn(`content of earlier backups is missing in ${this.#repository}: ${which} not there`);
    return true;
  }

  #missingPackOf(hash: string): string | undefined {
    if (this.#missingPacks.size === 0 || this.#index === undefined) return undefined;
    const entry = this.#index.entryOf(hash);
    const pack = entry < 0 ? '' : this.#index.packName(this.#index.measureOf(entry).pack);
    return this.#missingPacks.has(pack) ? pack : undefined;
  }
}
