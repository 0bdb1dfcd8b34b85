import { opendir, readdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { isAbsence } from './disk-failures.ts';
import { isKey, isTemporary } from './keys.ts';
import type { StoredObject } from './store.ts';

/** How many files are looked at together. */
const BATCH = 32;

/**
 * The files below `root` whose keys begin with `prefix`, in ascending byte order of key. Temporary files are left out, and
 * names that no key has, unopened: `lost+found` at the root of a disk is closed to all but root. So is what vanishes meanwhile.
 */
export async function* listFiles(root: string, prefix: string): AsyncIterable<StoredObject> {
  const slash = prefix.lastIndexOf('/');
  yield* listDirectory(root, slash < 0 ? '' : prefix.slice(0, slash + 1), prefix);
}

async function* listDirectory(root: string, directory: string, prefix: string): AsyncIterable<StoredObject> {
  let batch: string[] = [];
  for (const name of await entriesOf(root, directory)) {
    const key = directory + name;
    // A directory stands under its name and a slash, which sorts it where its keys belong: `a.b` < `a/b` < `a0`.
    const mayMatch = name.endsWith('/') ? key.startsWith(prefix) || prefix.startsWith(key) : key.startsWith(prefix);
    if (!mayMatch || !isKey(name.endsWith('/') ? key.slice(0, -1) : key)) continue;
    if (!name.endsWith('/') && batch.length < BATCH) {
      batch.push(key);
      continue;
    }
    yield* await statFiles(root, batch);
    batch = [];
    if (name.endsWith('/')) yield* listDirectory(root, key, prefix);
    else batch.push(key);
  }
  yield* await statFiles(root, batch);
}

async function entriesOf(root: string, directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path.join(root, directory), { withFileTypes: true });
    const names = await Promise.all(
      entries.map(async (entry) => {
        // A directory may be a symbolic link to another disk.
        const isDirectory =
          entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectoryAt(path.join(root, directory, entry.name))));
        return isDirectory ? `${entry.name}/` : entry.name;
      }),
    );
    return names.sort();
  } catch (error) {
    if (directory !== '' && isAbsence(error)) return [];
    throw error;
  }
}

async function isDirectoryAt(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isDirectory();
  } catch (error) {
    // Anything else would leave what lies below it out of the list, and nobody would know.
    if (isAbsence(error)) return false;
    throw error;
  }
}

async function statFiles(root: string, keys: readonly string[]): Promise<readonly StoredObject[]> {
  const found = await Promise.all(keys.map(async (key) => await statFile(root, key)));
  return found.filter((object) => object !== undefined);
}

/** Size and time of the file of `key`, or undefined when there is none. Other failures are the system's own errors. */
export async function statFile(root: string, key: string): Promise<StoredObject | undefined> {
  try {
    const found = await stat(path.join(root, key));
    return found.isFile() ? { key, sizeBytes: found.size, modifiedAt: found.mtime } : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Removes temporary files of ours last written before `begunBefore`, in the whole tree, and counts them. */
export async function removeTemporaries(directory: string, begunBefore: Date): Promise<number> {
  let removed = 0;
  for await (const entry of await opendir(directory)) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) removed += isKey(entry.name) ? await removeTemporaries(file, begunBefore) : 0;
    else if (isTemporary(entry.name) && (await removeIfOlder(file, begunBefore))) removed += 1;
  }
  return removed;
}

async function removeIfOlder(file: string, begunBefore: Date): Promise<boolean> {
  try {
    if ((await stat(file)).mtime >= begunBefore) return false;
    await unlink(file);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}
