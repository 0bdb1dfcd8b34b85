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
export function readIncrementalHead(bytes: Buffer, blockBytes: number, path: string): IncrementalHead | number {
  if (bytes.byteLength < FIXED_BYTES) return FIXED_BYTES;
  if (bytes.readUInt32LE(0) !== MAGIC) throw new DbadminError('protocol-violation', `${path} does not begin as an incremental file`);
  const count = bytes.readUInt32LE(4);
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
  return { blocks, truncationBlocks: bytes.readUInt32LE(8), dataOffset };
}

/** How long the file is once rebuilt, in blocks. */
export function rebuiltBlocks(head: IncrementalHead): number {
  return Math.max(head.truncationBlocks, (head.blocks.at(-1) ?? -1) + 1);
}
