import { open, rm, rmdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { systemPath } from '../../base/path-bytes.ts';
import { writeFully } from '../../base/write-fully.ts';
import { contentHash } from '../../repository/keys.ts';
import type { Extent } from '../../repository/manifest.ts';
import type { Preflight } from './inspect.ts';
import type { DeltaPlan, FoundEntry } from './delta-plan.ts';
import { writeFailure, type LayDownOptions } from './lay-down-apply.ts';
import { syncDirectory } from './marker.ts';
import type { FileToWrite, LayoutPlan } from './plan.ts';
import { makeAside, moveAside } from './unstored-wal-apply.ts';

const COMPARING_AT_ONCE = 4;
const HOLE_READ_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(HOLE_READ_BYTES);

/** What of a directory's files was as the backup has it. */
export interface DeltaOutcome {
  readonly reusedBytes: number;
  readonly rewrittenBytes: number;
}

/**
 * Makes what an existing directory holds as the backup has it: pg_control goes, so that nothing starts here from now on, on a part
 * of its WAL least of all; then WAL that is nowhere else is moved aside; then what does not belong goes; then every file that stays is compared, and written where it differs.
 *
 * What is not there at all is left to the caller, and so is pg_control.
 */
export async function applyDelta(delta: DeltaPlan, preflight: Preflight, lay: LayDownOptions): Promise<DeltaOutcome> {
  const { layout, state } = preflight;
  const unstored = state.kind === 'over' ? state.unstored : undefined;
  if (unstored !== undefined) await makeAside(unstored, lay.owner);
  await removeControlFile(layout);
  if (unstored !== undefined) await moveAside(unstored, lay.owner);
  // Before the links that prove whose they are: whoever goes on with an interrupted restore finds both.
  for (const { directory, isFilled } of preflight.replayed) if (isFilled) await removeDurably(directory);
  const staying = new Set<string>();
  for (const entry of delta.removed) await removeFound(placeOf(layout, entry.path), entry.type, staying);
  const files = Iterator.from(delta.compared).filter(({ path: each }) => !lay.replaced.has(each));
  const outcome = { reusedBytes: 0, rewrittenBytes: 0 };
  let doneBytes = 0;
  const ends = await Promise.allSettled(
    Array.from({ length: COMPARING_AT_ONCE }, async () => {
      for (const file of files) {
        lay.signal.throwIfAborted();
        const rewritten = await mendFile(file, preflight, lay);
        outcome.rewrittenBytes += rewritten;
        outcome.reusedBytes += Math.max(0, file.sizeBytes - rewritten);
        doneBytes += file.sizeBytes;
        lay.onProgress(doneBytes, layout.totalBytes);
      }
    }),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason as Error;
  return outcome;
}

/** What is in a directory comes before it: `staying` gets those that cannot go, because a mount point lies in them. */
async function removeFound(place: string, type: FoundEntry['type'], staying: Set<string>): Promise<void> {
  try {
    if (staying.has(place)) staying.add(path.dirname(place));
    else if (type === 'directory') await rmdir(systemPath(place));
    else await rm(systemPath(place), { recursive: true, force: true });
  } catch (error) {
    if (type !== 'directory' || systemCodeOf(error) !== 'EBUSY') throw writeFailure(place.toWellFormed(), error);
    // A mount point stays, empty: no server minds.
    staying.add(path.dirname(place));
  }
}

async function removeControlFile(layout: LayoutPlan): Promise<void> {
  const file = path.join(layout.dataDirectory, 'global', 'pg_control');
  await rm(file, { force: true });
  await syncDirectory(path.dirname(file)).catch((error: unknown) => {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  });
}

/** Names that a crash of the machine brought back would be files that recovery goes on with. */
async function removeDurably(directory: string): Promise<void> {
  try {
    await rm(systemPath(directory), { recursive: true, force: true });
    await syncDirectory(path.dirname(directory));
  } catch (error) {
    throw writeFailure(directory.toWellFormed(), error);
  }
}

/** Where a path of the plan lies; the links of tablespaces are not there yet. */
function placeOf(layout: LayoutPlan, relative: string): string {
  const tablespace = layout.tablespaces.find(({ oid }) => relative.startsWith(`pg_tblspc/${oid}/`));
  return tablespace === undefined
    ? path.join(layout.dataDirectory, relative)
    : path.join(tablespace.directory, relative.slice(`pg_tblspc/${tablespace.oid}/`.length));
}

/** Compares one file and writes what differs; gives how many bytes that were. */
async function mendFile(file: FileToWrite, preflight: Preflight, lay: LayDownOptions): Promise<number> {
  const place = placeOf(preflight.layout, file.path);
  try {
    const handle = await open(systemPath(place), 'r+');
    try {
      const wrong = await differingExtents(handle, file, preflight);
      let written = await writeExtents(handle, wrong, preflight);
      written += await zeroHoles(handle, file);
      await handle.truncate(file.sizeBytes);
      await handle.chmod(file.mode);
      if (lay.owner !== undefined) await handle.chown(lay.owner.uid, lay.owner.gid);
      await handle.utimes(file.modifiedAt, file.modifiedAt);
      await handle.sync();
      return written;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    throw writeFailure(place, error);
  }
}

/** The extents whose bytes are not there. Of a blob that is used in part the name proves nothing: it is fetched. */
async function differingExtents(handle: FileHandle, file: FileToWrite, { index, repository }: Preflight): Promise<readonly Extent[]> {
  const wrong: Extent[] = [];
  for (const extent of file.extents) {
    const [offset, length, hash, from = 0] = extent;
    const isWhole = from === 0 && index.find(hash)?.plainBytes === length;
    const bytes = isWhole ? Buffer.allocUnsafe(length) : Buffer.alloc(0);
    const isThere =
      isWhole &&
      (await handle.read(bytes, 0, length, offset)).bytesRead === length &&
      contentHash(repository, bytes).toString('hex') === hash;
    if (!isThere) wrong.push(extent);
  }
  return wrong;
}

/** Fetches each blob once and writes the extents of it that differ; gives how many bytes that were. */
async function writeExtents(handle: FileHandle, extents: readonly Extent[], { blobs }: Preflight): Promise<number> {
  const byBlob = new Map<string, Extent[]>();
  for (const extent of extents) byBlob.set(extent[2], [...(byBlob.get(extent[2]) ?? []), extent]);
  const uses = [...byBlob.values()].values();
  let written = 0;
  for await (const plain of blobs.readAll([...byBlob.keys()])) {
    for (const [offset, length, , from = 0] of uses.next().value ?? []) {
      const there = Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(there, 0, length, offset);
      if (bytesRead === length && there.equals(plain.subarray(from, from + length))) continue;
      await writeFully(handle, plain, from, length, offset);
      written += length;
    }
  }
  return written;
}

/** What no extent covers is zeros: old content there is overwritten. Gives how many bytes that were. */
async function zeroHoles(handle: FileHandle, file: FileToWrite): Promise<number> {
  let at = 0;
  let written = 0;
  for (const [offset, length] of [...file.extents, [file.sizeBytes, 0] as const]) {
    for (let from = at; from < offset; from += HOLE_READ_BYTES) {
      const size = Math.min(HOLE_READ_BYTES, offset - from);
      const there = Buffer.allocUnsafe(size);
      const { bytesRead } = await handle.read(there, 0, size, from);
      // Behind the end of the file there is nothing: truncating it longer makes zeros.
      if (there.subarray(0, bytesRead).equals(ZEROS.subarray(0, bytesRead))) continue;
      await writeFully(handle, ZEROS, 0, bytesRead, from);
      written += bytesRead;
    }
    at = offset + length;
  }
  return written;
}
