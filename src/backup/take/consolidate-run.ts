import { isDbadminError } from '../../base/errors.ts';
import type { BlobIntake } from './blob-intake.ts';
import { groupWorn, planConsolidation, type WornBlob, type WornExtent, type WornGroup } from './consolidate-plan.ts';
import type { ContentExtent } from './extents.ts';
import type { ParentBlobs } from './parent-blobs.ts';
import type { RepositoryContent } from './repository-content.ts';

export interface ConsolidateOptions {
  /** Where the old blobs are read. */
  readonly parent: ParentBlobs;
  readonly contents: readonly RepositoryContent[];
  /** Of each blob of the first content's parent, by its number. */
  readonly plainBytes: Uint32Array;
  readonly blobs: BlobIntake;
  readonly changedBytes: number;
  readonly signal: AbortSignal;
}

/** Takes what is still needed of worn blobs again, into new ones, in every repository; what cannot be read stays. Gives the bytes taken. */
export async function consolidate(options: ConsolidateOptions): Promise<number> {
  const { parent, contents, signal } = options;
  const [first] = contents;
  if (first === undefined) return 0;
  const worn = planConsolidation(measureBlobs(first, options.plainBytes), options.changedBytes);
  if (worn.length === 0) return 0;
  const pieces = first.extentsIn(new Set(worn.map(({ blob }) => blob)));
  const taken = new Map<string, ContentExtent[]>();
  let takenBytes = 0;
  const groups = [...groupWorn(pieces)];
  // One memory for all: what was in it is copied before the next group is read.
  const memory = Buffer.allocUnsafeSlow(Math.max(...groups.map(({ liveBytes }) => liveBytes)));
  for (const group of groups) {
    signal.throwIfAborted();
    const live = new LivePieces(memory, pieces);
    if (!(await readTogether(group, live, parent))) await readEach(group, live, parent);
    for (const { path, offset, bytes } of live.inOrder()) await options.blobs.putShared(offset, bytes, extentsOf(taken, path));
    takenBytes += live.bytes;
  }
  for (const [path, extents] of taken) {
    extents.sort((a, b) => a.offset - b.offset);
    for (const content of contents) content.replace(path, extents);
  }
  return takenBytes;
}

/** What is needed of a blob, by its number. */
type Pieces = ReadonlyMap<number, readonly WornExtent[]>;

/** Reads the blobs of a group in the order in which they lie; false, with nothing taken, when one cannot be read. */
async function readTogether({ blobs }: WornGroup, live: LivePieces, { place }: ParentBlobs): Promise<boolean> {
  if (place === undefined) return false;
  const { reader, names } = place;
  const ordered = blobs.map((blob) => ({ blob, place: reader.orderOf(names.hash(blob)) })).sort((a, b) => (a.place < b.place ? -1 : 1));
  try {
    let index = 0;
    for await (const plain of reader.viewAll(ordered.map(({ blob }) => names.hash(blob)))) {
      live.add(ordered[index]?.blob ?? -1, plain);
      index += 1;
    }
    return true;
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    live.clear();
    return false;
  }
}

/** The same blob by blob, each from wherever it is whole. */
async function readEach({ blobs }: WornGroup, live: LivePieces, parent: ParentBlobs): Promise<void> {
  for (const blob of blobs) {
    const plain = await parent.read(blob);
    if (plain !== undefined) live.add(blob, plain);
  }
}

/** What is needed of a group of worn blobs, copied out of them into a memory that has room for it. */
class LivePieces {
  readonly #memory: Buffer;
  readonly #neededOf: Pieces;
  #pieces: { readonly piece: WornExtent; readonly bytes: Buffer }[] = [];
  #filled = 0;

  constructor(memory: Buffer, neededOf: Pieces) {
    this.#memory = memory;
    this.#neededOf = neededOf;
  }

  add(blob: number, plain: Buffer): void {
    for (const piece of this.#neededOf.get(blob) ?? []) {
      const { from, length } = piece.extent;
      const bytes = this.#memory.subarray(this.#filled, this.#filled + length);
      plain.copy(bytes, 0, from, from + length);
      this.#filled += length;
      this.#pieces.push({ piece, bytes });
    }
  }

  clear(): void {
    this.#pieces = [];
    this.#filled = 0;
  }

  get bytes(): number {
    return this.#filled;
  }

  /** In the order of files and offsets. */
  *inOrder(): Generator<{ readonly path: string; readonly offset: number; readonly bytes: Buffer }> {
    this.#pieces.sort((a, b) => a.piece.rank - b.piece.rank);
    for (const { piece, bytes } of this.#pieces) yield { path: piece.path, offset: piece.extent.offset, bytes };
  }
}

function extentsOf(taken: Map<string, ContentExtent[]>, path: string): ContentExtent[] {
  const known = taken.get(path);
  if (known !== undefined) return known;
  const extents: ContentExtent[] = [];
  taken.set(path, extents);
  return extents;
}

function* measureBlobs(content: RepositoryContent, plainBytes: Uint32Array): Generator<WornBlob> {
  for (const [blob, liveBytes, pieces] of content.live()) yield { blob, liveBytes, pieces, plainBytes: plainBytes[blob] ?? 0 };
}
