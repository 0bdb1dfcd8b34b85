import path from 'node:path';
import type { ManifestEntry } from '../../repository/manifest.ts';
import { includesOf } from '../configuration-includes.ts';

/**
 * The text of the plain files in the data directory that these files of it include, and of what those include: by path in it. `from` is what
 * is known already, by path. What is said by an absolute path is none of them, nor is what the backup has not got.
 */
export async function readIncluded(
  from: ReadonlyMap<string, string>,
  entries: Iterable<Pick<ManifestEntry, 'path'>>,
  readText: (path: string) => Promise<string | undefined>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const open = [...from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [file, text] = next;
    for (const include of includesOf(text)) {
      const said = path.posix.join(path.posix.dirname(file), include.path);
      if (path.posix.isAbsolute(include.path) || said.startsWith('..')) continue;
      for (const each of include.kind === 'directory' ? filesOf(entries, said) : [said]) {
        const content = from.has(each) || found.has(each) ? undefined : await readText(each);
        if (content === undefined) continue;
        found.set(each, content);
        open.push([each, content]);
      }
    }
  }
  return found;
}

/** What the server reads of an included directory. */
function filesOf(entries: Iterable<Pick<ManifestEntry, 'path'>>, directory: string): readonly string[] {
  const before = `${directory.replace(/\/+$/, '')}/`;
  const isRead = /^[^./][^/]*\.conf$/;
  return Array.from(entries, (entry) => entry.path).filter((each) => each.startsWith(before) && isRead.test(each.slice(before.length)));
}
