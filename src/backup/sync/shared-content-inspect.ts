import type { DbadminError } from '../../base/errors.ts';
import type { BlobIndex } from '../../repository/blob-index.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import { packAt } from '../../repository/layout.ts';
import type { Repository } from '../../repository/repository.ts';
import { readingSource } from '../../repository/unreadable.ts';
import { readStanding } from '../verify/record.ts';

/** Blobs asked for at a time: their places are in memory. */
const CHUNK_BLOBS = 512;

/**
 * The packs of a destination in which a verification that stands found something damaged, by name: what lies in them is not taken for whole. All that
 * `known` has, where it is not known which those are.
 */
export async function inspectSuspects(to: Repository, systemIdentifier: string, known: BlobIndex): Promise<ReadonlySet<string>> {
  const standing = await readStanding(to, systemIdentifier);
  if (standing.some(({ findings }) => findings?.isComplete !== true))
    return new Set(Array.from({ length: known.packCount }, (_, number) => known.packName(number)));
  const named = standing.flatMap(({ findings }) => findings?.objects ?? []);
  return new Set(named.flatMap((key) => packAt(systemIdentifier, key) ?? []));
}

/** The first of some blobs of a destination that is not whole, and why: they are read. */
export async function findDamaged(
  to: Repository,
  { systemIdentifier, known, signal }: { readonly systemIdentifier: string; readonly known: BlobIndex; readonly signal: AbortSignal },
  names: readonly string[],
): Promise<DbadminError | undefined> {
  const reader = new BlobReader(readingSource(to), systemIdentifier, known);
  const sorted = names.toSorted((a, b) => (reader.orderOf(a) < reader.orderOf(b) ? -1 : 1));
  for (let at = 0; at < sorted.length; at += CHUNK_BLOBS) {
    for await (const { faults } of reader.checkAll(sorted.slice(at, at + CHUNK_BLOBS), signal))
      if (faults[0] !== undefined) return faults[0].error;
  }
  return undefined;
}
