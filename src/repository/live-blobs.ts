import { isDbadminError } from '../base/errors.ts';
import { backupPrefix } from './layout.ts';
import { readManifest, type ManifestEntry } from './manifest.ts';
import type { Repository } from './repository.ts';

const FIRST_CAPACITY = 1 << 16;
const MAX_LOAD = 0.7;
const FREE = 0;
const NEEDED = 1;
const HOUSED = 2;

/**
 * Which blobs manifests need, by the first 8 bytes of their names: some 13 bytes of memory for each. Two names that begin
 * alike are taken for one, once in billions of billions: then something stays that could go.
 */
export class LiveBlobs {
  #high = new Uint32Array(FIRST_CAPACITY);
  #low = new Uint32Array(FIRST_CAPACITY);
  #states = new Uint8Array(FIRST_CAPACITY);
  #size = 0;
  #housed = 0;

  /** How many different blobs are needed. */
  get size(): number {
    return this.#size;
  }

  /** How many of them nothing has been found to hold. */
  get homeless(): number {
    return this.#size - this.#housed;
  }

  /** `hash` is 64 hex digits. */
  add(hash: string): void {
    const high = Number.parseInt(hash.slice(0, 8), 16);
    const low = Number.parseInt(hash.slice(8, 16), 16);
    const slot = this.#slotOf(high, low);
    if (this.#states[slot] !== FREE) return;
    this.#put(slot, high, low, NEEDED);
    this.#size += 1;
    if (this.#size > this.#states.length * MAX_LOAD) this.#grow();
  }

  /** Whether a blob is needed and nothing has been found to hold it yet. */
  isHomeless(hash: string): boolean {
    return this.#states[this.#find(hash)] === NEEDED;
  }

  /** Notes that a blob has been found; says whether it was needed and the first of its name. */
  house(hash: string): boolean {
    const slot = this.#find(hash);
    if (this.#states[slot] !== NEEDED) return false;
    this.#states[slot] = HOUSED;
    this.#housed += 1;
    return true;
  }

  #find(hash: string): number {
    return this.#slotOf(Number.parseInt(hash.slice(0, 8), 16), Number.parseInt(hash.slice(8, 16), 16));
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#states.length - 1;
    for (let slot = (high ^ low) & mask; ; slot = (slot + 1) & mask) {
      if (this.#states[slot] === FREE || (this.#high[slot] === high && this.#low[slot] === low)) return slot;
    }
  }

  #put(slot: number, high: number, low: number, state: number): void {
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#states[slot] = state;
  }

  #grow(): void {
    const [high, low, states] = [this.#high, this.#low, this.#states];
    this.#high = new Uint32Array(states.length * 2);
    this.#low = new Uint32Array(states.length * 2);
    this.#states = new Uint8Array(states.length * 2);
    for (const [index, state] of states.entries()) {
      if (state === FREE) continue;
      this.#put(this.#slotOf(high[index] ?? 0, low[index] ?? 0), high[index] ?? 0, low[index] ?? 0, state);
    }
  }
}

/** The names of all blobs that an entry of a manifest needs. */
export function* blobsOf(entry: ManifestEntry): Generator<string> {
  if (entry.type !== 'file') return;
  for (const extent of entry.extents) yield extent[2];
  yield* entry.pages ?? [];
}

/** What manifests need that were read to their ends, and of which backups: manifests never change. */
export interface ReadManifests {
  readonly live: LiveBlobs;
  readonly labels: ReadonlySet<string>;
}

/** The labels of all backups of a lineage, as they are listed now. */
export async function listLabels({ store }: Repository, systemIdentifier: string): Promise<readonly string[]> {
  const labels: string[] = [];
  const prefix = backupPrefix(systemIdentifier);
  for await (const { key } of store.list(prefix)) labels.push(key.slice(prefix.length));
  return labels;
}

/**
 * Adds what the manifests of these backups need. One that is gone meanwhile needs nothing any more; one that cannot be
 * read is an error: what it needs is not known.
 *
 * @throws {DbadminError} `repository-damaged`.
 */
export async function addLive(live: LiveBlobs, repository: Repository, systemIdentifier: string, labels: readonly string[]): Promise<void> {
  for (const label of labels) {
    try {
      for await (const entry of readManifest(repository, systemIdentifier, label)) for (const hash of blobsOf(entry)) live.add(hash);
    } catch (error) {
      if (!isDbadminError(error, 'storage-missing')) throw error;
    }
  }
}
