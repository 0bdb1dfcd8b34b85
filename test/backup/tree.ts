import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

/** Every path below a directory with its content's hash, its mode and owner, or where its link leads. */
export async function treeOf(directory: string, skipped: readonly string[] = []): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(directory, { recursive: true })) {
    // A name that is not UTF-8 cannot be looked up by this text.
    if (name.includes('\ufffd')) continue;
    if (skipped.some((each) => name === each || name.startsWith(`${each}/`))) continue;
    const file = path.join(directory, name);
    const info = await lstat(file);
    const who = `${(info.mode & 0o7777).toString(8)} ${info.uid}`;
    if (info.isSymbolicLink()) found.set(name, `→ ${await readlink(file)}`);
    else if (info.isDirectory()) found.set(name, `directory ${who}`);
    else
      found.set(
        name,
        `${createHash('sha1')
          .update(await readFile(file))
          .digest('hex')} ${info.size} ${who}`,
      );
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
