import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import type { MigrationFile } from '../files/migration.ts';
import { compareVersions, nextVersion, sortKey } from '../files/names.ts';
import type { Observed } from '../plan.ts';

/** A file that gets a version of now. */
export interface Renaming {
  readonly from: MigrationFile;
  readonly version: string;
  /** File name. */
  readonly to: string;
  /** Absolute path. */
  readonly location: string;
}

/**
 * The pending files that come before one already applied, with versions later than any file's and than `now`, in the order
 * they had. Files applied anywhere else too must not be renamed: the caller cannot know, and the reader must.
 *
 * @throws {DbadminError} `refused` when a run began one of them.
 */
export function planRebase({ migrations, history }: Observed, now: Date): readonly Renaming[] {
  const applied = new Set([...history.applied.keys()].map(sortKey));
  const newestApplied = [...history.applied.keys()].sort(compareVersions).at(-1);
  if (newestApplied === undefined) return [];
  const early = migrations.filter(({ name }) => !applied.has(sortKey(name.version)) && compareVersions(name.version, newestApplied) < 0);
  let newest = [newestApplied, ...migrations.map(({ name }) => name.version)].sort(compareVersions).at(-1);
  return early.map((from) => {
    if (history.begun.has(from.name.version)) {
      throw new DbadminError('refused', `${from.file.path} is begun: its statements are recorded under this version`, {
        hint: `Let it end: dbadmin migrate up --out-of-order. Or take back by hand what it did: dbadmin migrate repair --undone ${from.name.version} -- REASON`,
      });
    }
    const version = nextVersion(now, newest);
    newest = version;
    const to = `${version}_${from.name.title}.sql`;
    return { from, version, to, location: path.join(path.dirname(from.file.location), to) };
  });
}

/** Files that ask for a version which is about to have another name. */
export function requiringFiles(renamings: readonly Renaming[], migrations: readonly MigrationFile[]): readonly string[] {
  const old = renamings.map(({ from }) => from.name.version);
  return migrations
    .filter(({ file }) => old.some((version) => new RegExp(`^--\\s*dbadmin:\\s*requires\\s+${version}\\s*$`, 'm').test(file.text)))
    .map(({ file }) => file.path);
}
