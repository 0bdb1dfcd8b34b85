import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { Listed } from '../../base/listed.ts';
import { decodePath, systemPath } from '../../base/path-bytes.ts';
import { parseControlFile, type ControlFile } from '../../postgres/control-file.ts';
import { readPidFile } from '../../postgres/server-traces.ts';
import type { FoundEntry } from './delta-plan.ts';
import { FoundEntries } from './found-entries.ts';
import { withoutLeavings } from './left-out.ts';
import { readMarker, type RestoreMarker } from './marker.ts';
import type { LayoutPlan } from './plan.ts';
import { refuseRunning } from './running-inspect.ts';

/** What a delta restore goes over. */
export type DeltaTarget =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'cluster';
      readonly systemIdentifier: string;
      readonly checkpointAt: Date;
      readonly checkpoint: Pick<ControlFile, 'checkpointLsn' | 'timeline'> | undefined;
      /** The postmaster that did not remove its postmaster.pid and does not run here: it crashed, or runs elsewhere. Its number may be another's. */
      readonly absentPid: number | undefined;
      readonly found: Listed<FoundEntry>;
    }
  | { readonly kind: 'unfinished'; readonly marker: RestoreMarker; readonly found: Listed<FoundEntry> };

/**
 * Looks whether a directory may be restored over: it holds a cluster with this system identifier that does not run, or
 * what an interrupted restore of it left. `made` are directories of tablespaces that recovery makes itself: nothing in them is named.
 *
 * @throws {DbadminError} `refused` saying what it is instead.
 */
export async function inspectDeltaTarget(layout: LayoutPlan, systemIdentifier: string, made: readonly string[]): Promise<DeltaTarget> {
  const { dataDirectory } = layout;
  if (withoutLeavings(await namesIn(dataDirectory)).length === 0) return { kind: 'absent' };
  await refuseRunning(dataDirectory);
  const marker = await readMarker(dataDirectory);
  const control = await readControlFile(dataDirectory, marker !== undefined);
  const found = control?.systemIdentifier ?? marker?.systemIdentifier;
  if (found === undefined) {
    throw new DbadminError('refused', `${dataDirectory} holds neither a cluster nor an unfinished restore`, {
      detail: 'There is no global/pg_control in it, and no mark of a restore that was interrupted.',
      hint: '--delta goes only over a data directory of the same cluster. Restore into an empty directory.',
    });
  }
  if (found !== systemIdentifier) {
    throw new DbadminError('refused', `${dataDirectory} holds another cluster`, {
      detail: `Its system identifier is ${found}, and the backup's is ${systemIdentifier}.`,
      hint: 'Nothing was touched. Restore into an empty directory.',
    });
  }
  await refuseForeignTablespaces(layout, marker);
  const links = new Set(layout.tablespaces.map(({ oid }) => `pg_tblspc/${oid}`));
  const entries = new FoundEntries();
  const isUnfinished = control === undefined && marker !== undefined;
  const heldBytes = isUnfinished && marker.overCluster !== true ? blockBytes : lengthBytes;
  await walk(dataDirectory, '', { links, ...(await innerTablespaces(layout, made)), heldBytes, entries });
  await findInTablespaces(layout, heldBytes, entries);
  if (isUnfinished) return { kind: 'unfinished', marker, found: entries };
  const checkpointAt = new Date((control?.checkpointAt ?? 0) * 1000);
  const absentPid = (await readPidFile(dataDirectory))?.pid;
  return { kind: 'cluster', systemIdentifier: found, checkpointAt, checkpoint: control, absentPid, found: entries };
}

/** What a file gives back when it goes or is gone over. */
type HeldBytes = (file: { readonly size: number; readonly blocks: number }) => number;

/** Of files that a restore into nothing may have made long only. */
const blockBytes: HeldBytes = ({ size, blocks }) => Math.min(size, blocks * 512);

/** Of a cluster's: all of it is there, and a filesystem that compresses gives fewer blocks than it would need for the backup's length. */
const lengthBytes: HeldBytes = ({ size }) => size;

/** Undefined when there is none, or, where a restore was interrupted, only what a crash of the machine left of one: it is no cluster yet. */
async function readControlFile(dataDirectory: string, isUnfinished: boolean): Promise<ControlFile | undefined> {
  try {
    return parseControlFile(await readFile(path.join(dataDirectory, 'global', 'pg_control')));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' || systemCodeOf(error) === 'ENOTDIR') return undefined;
    if (isUnfinished && error instanceof DbadminError) return undefined;
    throw error;
  }
}

/** A place for a tablespace that holds something is gone over only when this cluster's own link leads there. */
async function refuseForeignTablespaces(layout: LayoutPlan, marker: RestoreMarker | undefined): Promise<void> {
  for (const { oid, directory } of layout.tablespaces) {
    if ((await namesIn(directory)).length === 0) continue;
    const link = await readlink(path.join(layout.dataDirectory, 'pg_tblspc', oid)).catch(() => undefined);
    const isOurs = link === directory || marker?.tablespaces.includes(directory) === true;
    if (isOurs) continue;
    throw new DbadminError('refused', `${directory}, where tablespace ${oid} is to go, is not empty`, {
      detail: `The cluster in ${layout.dataDirectory} ${link === undefined ? 'has no such tablespace' : `has it at ${link}`}.`,
      hint: 'Map it to its place or to an empty one with --tablespace-map.',
    });
  }
}

async function findInTablespaces(layout: LayoutPlan, heldBytes: HeldBytes, entries: FoundEntries): Promise<void> {
  for (const { oid, directory } of layout.tablespaces) {
    // Beside ours there may be directories of other majors, which are none of our business.
    const own = new Set(
      layout.directories.flatMap(({ path: each }) => (each.startsWith(`pg_tblspc/${oid}/`) ? [each.split('/')[2] ?? ''] : [])),
    );
    for (const name of await namesIn(directory)) {
      if (!own.has(name)) continue;
      const inside = `pg_tblspc/${oid}/${name}`;
      const info = await lstat(path.join(directory, name));
      entries.add({ path: inside, type: info.isDirectory() ? 'directory' : 'other', sizeBytes: 0, heldBytes: 0 });
      if (info.isDirectory())
        await walk(path.join(directory, name), inside, { links: new Set(), inner: new Set(), above: new Set(), heldBytes, entries });
    }
  }
}

/**
 * Tablespaces within the data directory, and the directories above them, relative to it: what is theirs is found by their links. By their
 * names, as a link may lie between, and by where they are: the data directory itself may be named by a link.
 */
async function innerTablespaces(
  { dataDirectory, tablespaces }: LayoutPlan,
  made: readonly string[],
): Promise<Pick<Walked, 'inner' | 'above'>> {
  const inner = new Set<string>();
  const above = new Set<string>();
  const realDirectory = await realpath(dataDirectory);
  for (const directory of [...tablespaces.map((each) => each.directory), ...made]) {
    // One that is not there yet has nothing that could go.
    const real = await realpath(systemPath(directory)).catch(() => directory);
    for (const [from, to] of [
      [dataDirectory, directory],
      [realDirectory, real],
    ] as const) {
      const relative = path.relative(from, to);
      if (relative === '..' || relative.startsWith('../')) continue;
      inner.add(relative);
      for (let at = path.dirname(relative); at !== '.'; at = path.dirname(at)) above.add(at);
    }
  }
  return { inner, above };
}

interface Walked {
  readonly links: ReadonlySet<string>;
  /** Not entered, and not named: nothing of them is to go. */
  readonly inner: ReadonlySet<string>;
  /** Entered, and not named. */
  readonly above: ReadonlySet<string>;
  readonly heldBytes: HeldBytes;
  readonly entries: FoundEntries;
}

/**
 * Everything below a directory. Links are named and not followed, but pg_wal's: its content is the cluster's. Where a link
 * of a tablespace is to be and something else is, that is one thing to remove.
 */
async function walk(directory: string, inside: string, walked: Walked): Promise<void> {
  const { links, inner, above, heldBytes, entries } = walked;
  for (const child of await childrenOf(directory)) {
    const name = decodePath(child.name);
    const relative = inside === '' ? name : `${inside}/${name}`;
    if (inner.has(relative)) continue;
    const file = path.join(directory, name);
    const isLinkedWal =
      relative === 'pg_wal' && child.isSymbolicLink() && (await stat(file).catch(() => undefined))?.isDirectory() === true;
    if (links.has(relative)) {
      entries.add({ path: relative, type: 'other', sizeBytes: 0, heldBytes: 0 });
    } else if (child.isDirectory() || isLinkedWal) {
      if (!above.has(relative)) entries.add({ path: relative, type: 'directory', sizeBytes: 0, heldBytes: 0 });
      await walk(file, relative, walked);
    } else if (child.isFile()) {
      const info = await lstat(systemPath(file));
      entries.add({ path: relative, type: 'file', sizeBytes: info.size, heldBytes: heldBytes(info) });
    } else if (!above.has(relative)) {
      entries.add({ path: relative, type: child.isSymbolicLink() ? 'symlink' : 'other', sizeBytes: 0, heldBytes: 0 });
    }
  }
}

async function childrenOf(directory: string): Promise<readonly Dirent<Buffer>[]> {
  try {
    return await readdir(systemPath(directory), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot look into ${directory.toWellFormed()}`, {
      detail: messageOf(error),
      hint: 'Nothing was touched. What lies there would be deleted, if it does not belong: take it away, or run the restore as who owns it.',
      cause: error,
    });
  }
}

/** The names in a directory; none when it is not there. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
