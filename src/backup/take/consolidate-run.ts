import { BlobReader } from '../../repository/blob-reader.ts';
import type { BlobIntake } from './blob-intake.ts';
import { planConsolidation, type WornBlob, type WornExtent } from './consolidate-plan.ts';
import type { Destination } from './destination.ts';
import type { ContentExtent } from './extents.ts';
import type { RepositoryContent } from './repository-content.ts';

export interface ConsolidateOptions {
  readonly systemIdentifier: string;
  /** Where the old blobs are read; the content of all of them is the same. */
  readonly destination: Destination;
  readonly contents: readonly RepositoryContent[];
  /** Of each blob of the first content's parent, by its number. */
  readonly plainBytes: Uint32Array;
  readonly blobs: BlobIntake;
  readonly changedBytes: number;
  readonly signal: AbortSignal;
}

/** Blobs read with one call. */
const READ_TOGETHER = 64;

/** Takes what is still needed of worn blobs again, into new ones, in every repository. Gives the bytes taken. */
export async function consolidate(options: ConsolidateOptions): Promise<number> {
  const { destination, contents, signal, systemIdentifier } = options;
  const [first] = contents;
  if (first === undefined) return 0;
  const worn = planConsolidation(measureBlobs(first, options.plainBytes), options.changedBytes);
  if (worn.length === 0) return 0;
  const reader = new BlobReader(destination.repository, systemIdentifier, destination.index);
  const pieces = first.extentsIn(new Set(worn.map(({ blob }) => blob)));
  const nameOf = (blob: number): string => first.parentName(blob);
  const ordered = worn.map(({ blob }) => blob).sort((a, b) => (reader.orderOf(nameOf(a)) < reader.orderOf(nameOf(b)) ? -1 : 1));
  const taken = new Map<string, ContentExtent[]>();
  let takenBytes = 0;
  for (let at = 0; at < ordered.length; at += READ_TOGETHER) {
    signal.throwIfAborted();
    const group = ordered.slice(at, at + READ_TOGETHER);
    let index = 0;
    for await (const plain of reader.readAll(group.map(nameOf))) {
      takenBytes += await takeAgain(options.blobs, pieces.get(group[index] ?? -1) ?? [], plain, taken);
      index += 1;
    }
  }
  for (const [path, extents] of taken) {
    extents.sort((a, b) => a.offset - b.offset);
    for (const content of contents) content.replace(path, extents);
  }
  return takenBytes;
}

async function takeAgain(
  blobs: BlobIntake,
  pieces: readonly WornExtent[],
  plain: Buffer,
  taken: Map<string, ContentExtent[]>,
): Promise<number> {
  let bytes = 0;
  for (const { path, extent } of pieces) {
    const extents = taken.get(path) ?? [];
    taken.set(path, extents);
    await blobs.putShared(extent.offset, plain.subarray(extent.from, extent.from + extent.length), extents);
    bytes += extent.length;
  }
  return bytes;
}

function* measureBlobs(content: RepositoryContent, plainBytes: Uint32Array): Generator<WornBlob> {
  for (const [blob, liveBytes] of content.liveBytes()) yield { blob, liveBytes, plainBytes: plainBytes[blob] ?? 0 };
}
