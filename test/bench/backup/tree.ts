import { readdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';

/** The bytes of all files below `directory`, without the directories whose name `accept` refuses. */
export async function treeBytes(directory: string, accept: (name: string) => boolean = () => true): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const place = path.join(directory, entry.name);
    if (entry.isDirectory()) bytes += accept(entry.name) ? await treeBytes(place, accept) : 0;
    else bytes += (await stat(place)).size;
  }
  return bytes;
}

const IN_MEMORY = new Map([
  [0x0102_1994, 'tmpfs'],
  [0x8584_58f6, 'ramfs'],
]);

/**
 * What filesystem `directory` is on, as the report says it.
 *
 * @throws {Error} when it lies in memory, where fsync means nothing, or has less room than `neededBytes`.
 */
export async function inspectFilesystem(directory: string, neededBytes: number): Promise<string> {
  const { type, bavail, bsize } = await statfs(directory);
  const memory = IN_MEMORY.get(type);
  if (memory !== undefined) throw new Error(`${directory} is on ${memory}: give --work a directory on a real disk`);
  const free = bavail * bsize;
  if (free < neededBytes)
    throw new Error(
      `${directory} has ${Math.round(free / 1e9)} GB free and the benchmark needs ${Math.round(neededBytes / 1e9)} GB: give another with --work`,
    );
  return type === 0xef53 ? 'ext4' : type === 0x5846_5342 ? 'xfs' : type === 0x9123_683e ? 'btrfs' : `filesystem 0x${type.toString(16)}`;
}
