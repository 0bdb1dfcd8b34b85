import path from 'node:path';
import type { BackupSummary } from '../../repository/manifest.ts';
import { includesOf, type Include } from '../configuration-includes.ts';
import type { OuterFile } from './configuration-files.ts';
import type { LayoutPlan } from './plan.ts';

/** What a backup brings of a cluster's configuration. */
export interface SavedConfiguration {
  readonly backup: Pick<BackupSummary, 'missing' | 'includedDirectories'>;
  readonly layout: Pick<LayoutPlan, 'dataDirectory' | 'directories' | 'files'>;
  /** Those of the data directory: text by path in it. */
  readonly inside: ReadonlyMap<string, string>;
  readonly outer: readonly OuterFile[];
  /** What its files say of `ident_file`. */
  readonly identFile: string | undefined;
}

/**
 * Directories that are included and may be made where the backup has no file of them, since they held none that counts: absolute, or
 * relative to the data directory. What else is included may have held settings, and rules that refuse.
 */
export function savedDirectories({ backup, outer }: Pick<SavedConfiguration, 'backup' | 'outer'>): readonly string[] {
  if (backup.includedDirectories !== undefined) return backup.includedDirectories.filter(isPlain);
  // Backups of before that asked the server for every setting and rule with its file, but could not see links of the data directory.
  if (backup.missing === undefined || backup.missing.length > 0) return [];
  return outer.flatMap((file) =>
    includesOf(file.content).flatMap(({ kind, path: target }) =>
      kind === 'directory' ? [path.posix.resolve(path.posix.dirname(file.path), target)] : [],
    ),
  );
}

/**
 * Sentences without the last stop: what could not be saved of the configuration, and what files of it include that the backup has not.
 * Nothing is made in its place: a server that refuses to start is better than one without its settings.
 */
export function lackingConfiguration(saved: SavedConfiguration): readonly string[] {
  const { backup, layout, inside, outer } = saved;
  const sources = new Map([...inside, ...outer.map((file) => [file.path, file.content] as const)]);
  const files = [...sources.keys()];
  const ofUserNames = userNameFiles(sources, saved);
  const directories = new Set(['.', ...layout.directories.map((directory) => directory.path), ...savedDirectories(saved)]);
  const knowsLinks = backup.includedDirectories !== undefined;
  const lacking = new Map<string, Lacking>();
  for (const [file, content] of sources) {
    for (const include of includesOf(content)) {
      const place = placeOf(file, include.path, layout.dataDirectory);
      const isThere =
        include.kind === 'directory'
          ? directories.has(place) || files.some((each) => each.startsWith(`${place}/`))
          : (include.kind === 'optional' && (knowsLinks || path.posix.isAbsolute(place))) || files.includes(place);
      if (isThere) continue;
      const found = { by: file, effect: effectOf(file, include, ofUserNames.has(file)) };
      const known = lacking.get(place);
      // One line that stops every server says more than one that stops a production, and that more than one that stops none.
      if (known === undefined || weightOf(found) > weightOf(known)) lacking.set(place, found);
    }
  }
  if (lacking.size > 0) for (const file of layout.files) lacking.delete(file.path);
  const told = Array.from(lacking, ([place, { by, effect }]) => `${place}, which ${by} includes: ${effect}`);
  return [...(backup.missing ?? []), ...told.toSorted()];
}

/**
 * The files that nothing but the map of user names is made of: the one of `ident_file`, and what it includes and no other does. The server
 * starts without them.
 */
function userNameFiles(
  sources: ReadonlyMap<string, string>,
  { identFile, layout }: Pick<SavedConfiguration, 'identFile' | 'layout'>,
): ReadonlySet<string> {
  const files = [...sources.keys()];
  const reachedFrom = (roots: readonly string[]): ReadonlySet<string> => {
    // Grows while it is gone through.
    const reached = new Set(roots);
    for (const file of reached) {
      for (const { kind, path: target } of includesOf(sources.get(file) ?? '')) {
        const place = placeOf(file, target, layout.dataDirectory);
        for (const each of files) if (place === (kind === 'directory' ? path.posix.dirname(each) : each)) reached.add(each);
      }
    }
    return reached;
  };
  const named = identFile === undefined ? undefined : placeOf('postgresql.conf', identFile, layout.dataDirectory);
  const mapped = reachedFrom(files.filter((file) => file === named || path.posix.basename(file) === 'pg_ident.conf'));
  const others = reachedFrom(files.filter((file) => !mapped.has(file)));
  return new Set([...mapped].filter((file) => !others.has(file)));
}

/** An include of what is not in the backup: the file that says it, and what a restored server does without it. */
interface Lacking {
  readonly by: string;
  readonly effect: string;
}

const UNTIL = 'does not start until it is there, empty where it held no setting';
const STOPS_ANY = `the server ${UNTIL}`;
const STOPS_PRODUCTION = `a production ${UNTIL}`;

function weightOf({ effect }: Lacking): number {
  return [STOPS_PRODUCTION, STOPS_ANY].indexOf(effect);
}

function effectOf(by: string, include: Include, isOfUserNames: boolean): string {
  if (include.kind === 'optional') return 'if it was a link there, the server starts without what it said';
  if (isOfUserNames) return 'the server starts, and maps no user names until it is there';
  // A clone has nothing from outside, and these lines are taken out of its postgresql.conf.
  const isOfProduction = path.posix.isAbsolute(by) || (by === 'postgresql.conf' && path.posix.isAbsolute(include.path));
  return isOfProduction ? STOPS_PRODUCTION : STOPS_ANY;
}

/** Where it is looked for: absolute outside of the data directory, else the path in it. */
function placeOf(file: string, target: string, dataDirectory: string): string {
  const found = path.posix.resolve(dataDirectory, path.posix.dirname(file), target);
  const relative = path.posix.relative(dataDirectory, found);
  return relative === '..' || relative.startsWith('../') ? found : relative === '' ? '.' : relative;
}

/** Whoever wrote the manifest: it must not lead out of where it is made. */
function isPlain(directory: string): boolean {
  return directory !== '' && !directory.endsWith('/') && path.posix.normalize(directory) === directory && !/^\.\.?(\/|$)/.test(directory);
}
