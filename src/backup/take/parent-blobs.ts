import { isDbadminError, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { BlobReader } from '../../repository/blob-reader.ts';
import type { BlobTable } from './content-map.ts';

/** A repository in which the parent can be read. */
export interface ParentPlace {
  /** As the configuration calls it. */
  readonly name: string;
  /** Names of the parent's blobs there: their numbers are the same everywhere. */
  readonly names: BlobTable;
  readonly reader: BlobReader;
  /** Gets the names of blobs that turn out to be damaged there. */
  readonly damaged: Set<string>;
}

/**
 * Blobs of the parent, read back for the sake of the new backup. What cannot be read is no failure of the backup: a damaged blob
 * is noted, so that nothing comes to rest on it, and a repository that fails is not read any more.
 */
export class ParentBlobs {
  readonly #log: Log;
  readonly #damaged = new Set<number>();
  #places: readonly ParentPlace[];

  constructor(places: readonly ParentPlace[], log: Log) {
    this.#places = places;
    this.#log = log;
  }

  /** The first repository that still answers. */
  get place(): ParentPlace | undefined {
    return this.#places[0];
  }

  /** The plain bytes of a blob, from whichever repository has it whole; undefined when none has. */
  async read(blob: number): Promise<Buffer | undefined> {
    for (const place of this.#places) {
      try {
        for await (const plain of place.reader.readAll([place.names.hash(blob)])) return plain;
      } catch (error) {
        this.#note(place, blob, error);
      }
    }
    return undefined;
  }

  /** The same, but undefined as well where a repository was found to have it damaged: there, nothing may rest on it. */
  async readSound(blob: number): Promise<Buffer | undefined> {
    const plain = await this.read(blob);
    return this.#damaged.has(blob) ? undefined : plain;
  }

  /** Whether a repository was found to have a blob damaged. */
  isDamaged(blob: number): boolean {
    return this.#damaged.has(blob);
  }

  #note(place: ParentPlace, blob: number, error: unknown): void {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    const { name, names, damaged } = place;
    if (isDbadminError(error, 'repository-damaged') || isDbadminError(error, 'storage-missing')) {
      const hash = names.hash(blob);
      if (!damaged.has(hash)) this.#log.warn(`content of earlier backups is damaged in ${name}: ${reasonOf(error)}`);
      damaged.add(hash);
      this.#damaged.add(blob);
      return;
    }
    this.#places = this.#places.filter((each) => each !== place);
    this.#log.warn(`what earlier backups have cannot be read in ${name}, and is taken as changed: ${reasonOf(error)}`);
  }
}
