import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';

/** What a run found to be damaged of the content that a repository has: nothing new may rest on it. */
export class DamagedContent {
  readonly #repository: string;
  readonly #log: Log;
  readonly #names = new Set<string>();
  readonly #toldPacks = new Set<string>();

  /** `repository` as the configuration calls it. */
  constructor(repository: string, log: Log) {
    this.#repository = repository;
    this.#log = log;
  }

  /** Whether nothing was found. */
  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  /** `hash` is the name of a blob. */
  has(hash: string): boolean {
    return this.#names.has(hash);
  }

  /** Notes a blob of a pack that cannot be read for what `error` says; of each pack one is told. */
  add(hash: string, pack: string, error: unknown): void {
    this.#names.add(hash);
    if (this.#toldPacks.has(pack)) return;
    this.#toldPacks.add(pack);
    this.#log.warn(`content of earlier backups is damaged in ${this.#repository}: ${reasonOf(error)}`);
  }

  /** Notes the blobs of packs that are not there. */
  addMissing(packs: ReadonlySet<string>, hashes: Iterable<string>): void {
    for (const hash of hashes) this.#names.add(hash);
    for (const pack of packs) this.#toldPacks.add(pack);
    const [first] = packs;
    const which = packs.size === 1 ? `pack ${first} is` : `${packs.size} packs, as ${first}, are`;
    this.#log.warn(`content of earlier backups is missing in ${this.#repository}: ${which} not there`);
  }
}
