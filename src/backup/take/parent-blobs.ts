import { isDbadminError, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { BlobReader } from '../../repository/blob-reader.ts';
import type { BlobTable } from './content-map.ts';
import type { DamagedContent } from './damaged-content.ts';

/** A repository in which the parent can be read. */
export interface ParentPlace {
  /** As the configuration calls it. */
  readonly name: string;
  /** Names of the parent's blobs there: their numbers are the same everywhere. */
  readonly names: BlobTable;
  readonly reader: BlobReader;
  /** Gets what turns out to be damaged there. */
  readonly damaged: DamagedContent;
}

/**
 * Blobs of the parent, read back for the sake of the new backup. What cannot be read is no failure of the backup: a damaged blob
 * is noted, so that nothing comes to rest on it, and a repository that fails is not read any more.
 */
export class ParentBlobs {
  readonly #log: Log;
  readonly #all: readonly ParentPlace[];
  /** Of each place, which of the blobs were whole: 1 by number. */
  readonly #sound: ReadonlyMap<string, Uint8Array>;
  #places: readonly ParentPlace[];

  constructor(places: readonly ParentPlace[], log: Log) {
    this.#all = places;
    this.#places = places;
    this.#sound = new Map(places.map(({ name, names }) => [name, new Uint8Array(names.count)]));
    this.#log = log;
  }

  /** The first repository that still answers. */
  get place(): ParentPlace | undefined {
    return this.#places[0];
  }

  /** The plain bytes of a blob, from whichever repository has it whole; undefined when none has. */
  async read(blob: number): Promise<Buffer | undefined> {
    for (const place of this.#places) {
      const { name, names, reader, damaged } = place;
      const hash = names.hash(blob);
      if (damaged.has(hash)) continue;
      try {
        for await (const plain of reader.readAll([hash])) {
          this.#sound.get(name)?.fill(1, blob, blob + 1);
          return plain;
        }
      } catch (error) {
        this.#note(place, hash, error);
      }
    }
    return undefined;
  }

  /** The same, but undefined as well where a repository is known to have it damaged: there, nothing may rest on it. */
  async readSound(blob: number): Promise<Buffer | undefined> {
    if (this.isDamaged(blob)) return undefined;
    const plain = await this.read(blob);
    return this.isDamaged(blob) ? undefined : plain;
  }

  /** Whether a repository is known to have a blob damaged. */
  isDamaged(blob: number): boolean {
    return this.#all.some(({ names, damaged }) => !damaged.isEmpty && damaged.has(names.hash(blob)));
  }

  /** Whether a blob was read, and whole, in the repository of this name. */
  wasSound(name: string, blob: number): boolean {
    return this.#sound.get(name)?.[blob] === 1;
  }

  #note(place: ParentPlace, hash: string, error: unknown): void {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    const { name, damaged, reader } = place;
    if (isDbadminError(error, 'repository-damaged') || isDbadminError(error, 'storage-missing')) {
      damaged.add(hash, reader.packOf(hash), error);
      return;
    }
    this.#places = this.#places.filter((each) => each !== place);
    this.#log.warn(`what earlier backups have cannot be read in ${name}, and is taken as changed: ${reasonOf(error)}`);
  }
}
