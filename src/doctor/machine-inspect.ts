import { lstat, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../base/errors.ts';

/** A file that holds secrets or names where they are. */
export interface GuardedFile {
  readonly path: string;
  /** Permission bits; undefined when it is not there. */
  readonly mode: number | undefined;
  /** Its owner's uid; undefined when it is not there. */
  readonly owner: number | undefined;
  /** Why it cannot be looked at. */
  readonly failure: string | undefined;
}

/** Looks at the permissions of files. */
export async function inspectFiles(files: readonly string[]): Promise<readonly GuardedFile[]> {
  return await Promise.all(
    files.map(async (file) => {
      try {
        const { mode, uid } = await stat(file);
        return { path: file, mode: mode & 0o777, owner: uid, failure: undefined };
      } catch (error) {
        const code = systemCodeOf(error);
        return { path: file, mode: undefined, owner: undefined, failure: code === 'ENOENT' ? undefined : (code ?? 'unreadable') };
      }
    }),
  );
}

/** A directory of ours that nobody seems to use any more. */
export interface Leftover {
  readonly path: string;
  readonly ageMs: number;
}

/** Directories of clones, drills and scratch databases in the places for temporary files, older than `oldMs`. */
export async function inspectLeftovers(places: readonly string[], now: Date, oldMs: number): Promise<readonly Leftover[]> {
  const found: Leftover[] = [];
  for (const place of places) {
    for (const name of await readdir(place).catch(() => [])) {
      if (!/^dbadmin-(?:drill|scratch|replay|dump|restore|quarantine)-/.test(name)) continue;
      const file = path.join(place, name);
      const state = await lstat(file).catch(() => undefined);
      if (state === undefined || !state.isDirectory()) continue;
      const ageMs = now.getTime() - state.mtimeMs;
      if (ageMs > oldMs) found.push({ path: file, ageMs });
    }
  }
  return found;
}
