import { DbadminError } from '../base/errors.ts';

const MAGIC = 0xd3ae_1f0d;
const FIXED_BYTES = 12;

/** The head of a file that came as its changed blocks only. */
export interface IncrementalHead {
  /** Ascending numbers of the blocks that follow, in this file. */
  readonly blocks: Uint32Array;
  /** The file had at least so many blocks all the time: what lies beyond and does not come is zeros. */
  readonly truncationBlocks: number;
  /** Where in the file the blocks begin. */
  readonly dataOffset: number;
}

/** How the cluster cuts relations. */
export interface RelationShape {
  readonly blockBytes: number;
  /** Blocks of one file of a relation. */
  readonly relationSegmentBlocks: number;
}

/** Whether a path names such a file: `base/5/INCREMENTAL.16384`. */
export function isIncrementalPath(path: string): boolean {
  return path.slice(path.lastIndexOf('/') + 1).startsWith('INCREMENTAL.');
}

/** The path of the file it changes. */
export function pathOfIncremental(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return path.slice(0, slash) + path.slice(slash + 'INCREMENTAL.'.length);
}

/**
 * The head from the first bytes of the file, or how many bytes it takes when `bytes` are too few.
 *
 * @throws {DbadminError} `protocol-violation`.
 * @see src/backend/backup/basebackup.c of PostgreSQL, sendFile
 */
export function readIncrementalHead(
  bytes: Buffer,
  { blockBytes, relationSegmentBlocks }: RelationShape,
  path: string,
): IncrementalHead | number {
  if (bytes.byteLength < FIXED_BYTES) return FIXED_BYTES;
  if (bytes.readUInt32LE(0) !== MAGIC) throw new DbadminError('protocol-violation', `${path} does not begin as an incremental file`);
  const count = bytes.readUInt32LE(4);
  if (count > relationSegmentBlocks) throw beyondEnd(path);
  const headBytes = FIXED_BYTES + count * 4;
  const dataOffset = count === 0 ? headBytes : Math.ceil(headBytes / blockBytes) * blockBytes;
  if (bytes.byteLength < dataOffset) return dataOffset;
  const blocks = new Uint32Array(count);
  for (let index = 0; index < count; index += 1) {
    const block = bytes.readUInt32LE(FIXED_BYTES + index * 4);
    if (index > 0 && block <= (blocks[index - 1] ?? 0))
      throw new DbadminError('protocol-violation', `the blocks of ${path} are not in order`);
    blocks[index] = block;
  }
  if ((blocks.at(-1) ?? 0) >= relationSegmentBlocks) throw beyondEnd(path);
  // For a relation that was cut back to a length that ends in one of its later files, early releases of 17 and 18 give that
  // length to the files before it as well. Those are full, and no longer than a file can be.
  return { blocks, truncationBlocks: Math.min(bytes.readUInt32LE(8), relationSegmentBlocks), dataOffset };
}

/** How long the file is once rebuilt, in blocks. */
export function rebuiltBlocks(head: IncrementalHead): number {
  return Math.max(head.truncationBlocks, (head.blocks.at(-1) ?? -1) + 1);
}

function beyondEnd(path: string): DbadminError {
  return new DbadminError('protocol-violation', `${path} names blocks beyond the end of a file of a relation`);
}
