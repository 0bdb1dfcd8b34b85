import { createHash } from 'node:crypto';
import { blake3Keyed } from '../../repository/hash.ts';
import { seal, unseal } from '../../repository/envelope.ts';
import type { Sealing } from '../../repository/keys.ts';
import type { ObjectStore } from '../../storage/store.ts';

/** Where sets of pages lie before and after they came into raw. */
export interface LandingPlace {
  readonly store: ObjectStore;
  /** As the repository seals its objects; undefined in a directory, where sets are plain text. */
  readonly sealing: Sealing | undefined;
}

const MAX_SET_BYTES = 1024 * 1024 * 1024;

/**
 * One listener's landing: `spotify/<hash of the name>/to-process/` and `…/processed/`. A set is made in the first, and moved to
 * the second once raw holds it: by a copy, then a removal. Whatever happens between, doing it again leads to the same.
 */
export class Landing {
  readonly #place: LandingPlace;
  readonly #prefix: string;

  constructor(place: LandingPlace, listener: string) {
    this.#place = place;
    this.#prefix = `spotify/${listenerHash(place.sealing, listener)}/`;
  }

  /** Keeps a set; gives its name, by which raw refers to it. */
  async put(name: string, text: string): Promise<string> {
    const key = `${this.#prefix}to-process/${name}`;
    await this.#place.store.create(key, await this.#encode(name, text));
    return key;
  }

  /** What was landed and may not be in raw yet, oldest first. */
  async pending(): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const { key } of this.#place.store.list(`${this.#prefix}to-process/`)) keys.push(key);
    return keys;
  }

  /** @throws {DbadminError} `repository-damaged`, `storage-missing` */
  async read(key: string): Promise<string> {
    const bytes = await this.#place.store.read(key);
    const { sealing } = this.#place;
    if (sealing === undefined) return Buffer.from(bytes).toString();
    return (await unseal(sealing, 'page', bytes, key, MAX_SET_BYTES)).body.toString();
  }

  /** Raw holds it. */
  async settle(key: string): Promise<void> {
    const { store } = this.#place;
    const settled = settledKey(key);
    if ((await store.stat(settled)) === undefined) await store.create(settled, await store.read(key));
    await store.delete(key);
  }

  /**
   * Removes everything of the listener for good, and gives how many objects there were.
   *
   * @throws {DbadminError} `partly-done` where the storage keeps versions, and some may be left.
   */
  async erase(): Promise<number> {
    const erased = await this.count();
    await this.#place.store.erase(this.#prefix);
    return erased;
  }

  /** Those of `keys` that do not lie here, and not in the other of the two places either. */
  async absent(keys: readonly string[]): Promise<readonly string[]> {
    const here = new Set<string>();
    for await (const { key } of this.#place.store.list(this.#prefix)) here.add(settledKey(key));
    return keys.filter((key) => !here.has(settledKey(key)));
  }

  async count(): Promise<number> {
    let objects = 0;
    for await (const { key } of this.#place.store.list(this.#prefix)) if (key !== '') objects += 1;
    return objects;
  }

  async #encode(name: string, text: string): Promise<Uint8Array> {
    const { sealing } = this.#place;
    return sealing === undefined ? Buffer.from(text) : await seal(sealing, 'page', { name }, Buffer.from(text));
  }
}

/** Where a set lies once it is in raw. */
export function settledKey(key: string): string {
  return key.replace('/to-process/', '/processed/');
}

/** Names of people are not names of objects. Keyed where the repository is encrypted, so that nobody can try names. */
function listenerHash(sealing: Sealing | undefined, listener: string): string {
  const name = Buffer.from(listener);
  const hash = sealing?.keys === undefined ? createHash('sha256').update(name).digest() : blake3Keyed(sealing.keys.hashKey, name);
  return Buffer.from(hash).toString('hex').slice(0, 32);
}
