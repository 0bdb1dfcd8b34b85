/** Something that is not as it should be. */
export interface Fault {
  /** `missing`: it should be there. `damaged`: it is there and wrong. */
  readonly kind: 'missing' | 'damaged';
  /** The object's key, or what is missing from what. */
  readonly object: string;
  /** A sentence. */
  readonly detail: string;
}

const SHOWN_AT_MOST = 1000;
const BLOBS_AT_MOST = 100_000;

/**
 * What a verification has found so far. Memory stays bounded whatever is broken: the first thousand faults are kept, all are
 * counted, and a pack with very many broken blobs counts as broken altogether.
 */
export class Faults {
  readonly #kept: Fault[] = [];
  #count = 0;
  /** Packs that cannot be relied on at all. */
  readonly packs = new Set<string>();
  /** Blobs that cannot be read, by name. */
  readonly blobs = new Set<string>();
  /** WAL segments, whole or in parts, that cannot be read: their names. */
  readonly segments = new Set<string>();
  /** Indexes that cannot be read: what only they name is not found before they are rebuilt. */
  readonly indexes = new Set<string>();
  /** Backups whose manifest cannot be read: their labels. */
  readonly manifests = new Set<string>();

  add(fault: Fault): void {
    this.#count += 1;
    if (this.#kept.length < SHOWN_AT_MOST) this.#kept.push(fault);
  }

  addBlob(pack: string, hash: string): void {
    if (this.blobs.size < BLOBS_AT_MOST) this.blobs.add(hash);
    else this.packs.add(pack);
  }

  get kept(): readonly Fault[] {
    return this.#kept;
  }

  get count(): number {
    return this.#count;
  }
}

/** How much was looked at: objects by what they are, and how much content was read. */
export interface Tally {
  objects: number;
  backups: number;
  packs: number;
  blobs: number;
  segments: number;
  dumps: number;
  /** Stored bytes of the content that was read: blobs, WAL, dumps. */
  readBytes: number;
}

export function emptyTally(): Tally {
  return { objects: 0, backups: 0, packs: 0, blobs: 0, segments: 0, dumps: 0, readBytes: 0 };
}
