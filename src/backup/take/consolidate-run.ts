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
  for (const group of groupWorn(pieces)) {
    signal.throwIfAborted();
    const live = (await readTogether(group, pieces, parent)) ?? (await readEach(group, pieces, parent));
    for (const { path, offset, bytes } of live.inOrder()) await options.blobs.putShared(offset, bytes, extentsOf(taken, path));
    takenBytes += live.bytes;
  }
  for (const [path, extents] of taken) {
    extents.sort((a, b) => a.offset - b.offset);
    for (const content of contents) content.replace(path, extents);
  }
  return takenBytes;
}

type Pieces = ReadonlyMap<number, readonly WornExtent[]>;

/** What is needed of a group, its blobs read in the order in which they lie; undefined when one cannot be read. */
async function readTogether({ blobs, liveBytes }: WornGroup, pieces: Pieces, { place }: ParentBlobs): Promise<LivePieces | undefined> {
  if (place === undefined) return undefined;
  const { reader, names } = place;
  const ordered = blobs.map((blob) => ({ blob, place: reader.orderOf(names.hash(blob)) })).sort((a, b) => (a.place < b.place ? -1 : 1));
  const live = new LivePieces(liveBytes);
  try {
    let index = 0;
    for await (const plain of reader.viewAll(ordered.map(({ blob }) => names.hash(blob)))) {
      live.add(pieces.get(ordered[index]?.blob ?? -1) ?? [], plain);
      index += 1;
    }
    return live;
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    return undefined;
  }
}

/** The same blob by blob, each from wherever it is whole. */
async function readEach({ blobs, liveBytes }: WornGroup, pieces: Pieces, parent: ParentBlobs): Promise<LivePieces> {
  const live = new LivePieces(liveBytes);
  for (const blob of blobs) {
    const plain = await parent.read(blob);
    if (plain !== undefined) live.add(pieces.get(blob) ?? [], plain);
  }
  return live;
}

/** What is needed of a group of worn blobs, copied out of them. */
class LivePieces {
  readonly #memory: Buffer;
  readonly #pieces: { readonly piece: WornExtent; readonly bytes: Buffer }[] = [];
  #filled = 0;

  constructor(bytes: number) {
    this.#memory = Buffer.allocUnsafeSlow(bytes);
  }

  add(pieces: readonly WornExtent[], plain: Buffer): void {
    for (const piece of pieces) {
      const { from, length } = piece.extent;
      const bytes = this.#memory.subarray(this.#filled, this.#filled + length);
      plain.copy(bytes, 0, from, from + length);
      this.#filled += length;
      this.#pieces.push({ piece, bytes });
    }
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
