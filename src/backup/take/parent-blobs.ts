import { isDbadminError, reasonOf, type DbadminError } from '../../base/errors.ts';
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

  /**
   * The same of many, each given to `take`: in the order in which they lie where they are read, neighbours with one read, and some
   * reads begun before their turn. What cannot be read is given by nobody.
   */
  async readMany(blobs: readonly number[], take: (blob: number, plain: Buffer) => void): Promise<void> {
    const left = new Set(blobs);
    const [place] = this.#places;
    if (place !== undefined) await this.#readTogether(place, left, take);
    for (const blob of left) {
      const plain = await this.read(blob);
      if (plain !== undefined) take(blob, plain);
    }
  }

  /** Whether a repository is known to have a blob damaged. */
  isDamaged(blob: number): boolean {
    return this.#all.some(({ names, damaged }) => !damaged.isEmpty && damaged.has(names.hash(blob)));
  }

  /** Whether a blob was read, and whole, in the repository of this name. */
  wasSound(name: string, blob: number): boolean {
    return this.#sound.get(name)?.[blob] === 1;
  }

  /** Takes out of `left` what was read; where one cannot be read, that and what comes after it is left. */
  async #readTogether(place: ParentPlace, left: Set<number>, take: (blob: number, plain: Buffer) => void): Promise<void> {
    const { name, names, reader, damaged } = place;
    const known = [...left].map((blob) => ({ blob, hash: names.hash(blob) })).filter(({ hash }) => !damaged.has(hash));
    const ordered = known.map((each) => ({ ...each, lies: reader.orderOf(each.hash) })).sort((a, b) => (a.lies < b.lies ? -1 : 1));
    const sound = this.#sound.get(name);
    const rest = ordered.values();
    try {
      for await (const plain of reader.readAll(ordered.map(({ hash }) => hash))) {
        const blob = rest.next().value?.blob ?? -1;
        sound?.fill(1, blob, blob + 1);
        left.delete(blob);
        take(blob, plain);
      }
    } catch (error) {
      // Which of them is damaged, each by itself says.
      if (!isDamage(error)) this.#note(place, '', error);
    }
  }

  #note(place: ParentPlace, hash: string, error: unknown): void {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    const { name, damaged, reader } = place;
    if (isDamage(error)) {
      damaged.add(hash, reader.packOf(hash), error);
      return;
    }
    this.#places = this.#places.filter((each) => each !== place);
    this.#log.warn(`what earlier backups have cannot be read in ${name}, and is taken as changed: ${reasonOf(error)}`);
  }
}

function isDamage(error: unknown): error is DbadminError {
  return isDbadminError(error, 'repository-damaged') || isDbadminError(error, 'storage-missing');
}
