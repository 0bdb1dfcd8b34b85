import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { listFindings } from '../../repository/audit-findings.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { ensureClusterIdentity } from '../../repository/identity.ts';
import { acquireLease, type Lease } from '../../repository/leases.ts';
import { listBackups, type BackupSummary } from '../../repository/manifest.ts';
import { findMissingPacks, readMarks } from '../../repository/marks.ts';
import type { Repository } from '../../repository/repository.ts';
import { ensureReserve } from '../../repository/reserve.ts';
import type { Source } from '../source-inspect.ts';
import { suspicionsOf, type Suspicions } from '../suspicion.ts';
import { readParentContent } from './parent-inspect.ts';
import type { ContentMap } from './content-map.ts';
import { DamagedContent } from './damaged-content.ts';

/** A repository that a backup is to go to. */
export interface NamedRepository {
  /** As the configuration calls it. */
  readonly name: string;
  readonly repository: Repository;
}

/** A repository made ready for a backup: held, its backups known, and what content it has. */
export interface Destination extends NamedRepository {
  readonly lease: Lease;
  readonly backups: readonly BackupSummary[];
  readonly suspicions: Suspicions;
  /** Content that may be relied on: not what is about to be deleted. */
  readonly index: BlobIndex;
  /** What this run found to be damaged there. */
  readonly damaged: DamagedContent;
}

export interface OpenDestinationOptions {
  readonly source: Source;
  readonly clusterName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** @throws {DbadminError} `locked` when another backup of this cluster is being written there; storage failures. */
export async function openDestination({ name, repository }: NamedRepository, options: OpenDestinationOptions): Promise<Destination> {
  const { source, clusterName, clock, log, signal } = options;
  const { systemIdentifier } = source;
  await ensureClusterIdentity(repository, {
    systemIdentifier,
    name: clusterName,
    serverVersion: source.serverVersion,
    walSegmentBytes: source.walSegmentBytes,
  });
  const lease = await acquireLease(repository, systemIdentifier, 'backup', { clock, log, command: 'backup run', signal });
  try {
    await ensureReserve(repository.store);
    const marked = await readMarks(repository, systemIdentifier);
    const index = await BlobIndex.load(repository, systemIdentifier, { skipPacks: marked });
    for (const key of index.damaged)
      log.warn(`${key} in ${name} is damaged: what only it names is stored again; dbadmin repository rebuild-index writes it anew`);
    const backups = await listBackups(repository, systemIdentifier);
    const suspicions = suspicionsOf(backups, await listFindings(repository, systemIdentifier));
    return { name, repository, lease, index, backups, suspicions, damaged: new DamagedContent(name, log) };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** The destination with an index read anew: what an attempt that failed has put into it is in packs that may not be there. */
export async function withIndexAnew(destination: Destination, systemIdentifier: string): Promise<Destination> {
  const { repository } = destination;
  const index = await BlobIndex.load(repository, systemIdentifier, { skipPacks: await readMarks(repository, systemIdentifier) });
  return { ...destination, index };
}

/** The content of a parent in one repository. */
export interface ParentContent {
  readonly content: ContentMap;
  /** Of each blob by its number in the content: the number of its pack in the destination's index. */
  readonly packs: Uint32Array;
  /** Of each blob by its number in the content. */
  readonly plainBytes: Uint32Array;
}

/**
 * The parent's content, or undefined when some of it is not there to be relied on. A manifest that cannot be read is thrown: whoever
 * asks passes the backup over for an older one. Where packs are gone, what lay in them is noted as damaged.
 */
export async function readReliableParent(destination: Destination, parent: BackupSummary): Promise<ParentContent | undefined> {
  const { index, repository, damaged } = destination;
  const content = await readParentContent(repository, parent);
  const packs = new Uint32Array(content.blobs.count);
  const plainBytes = new Uint32Array(content.blobs.count);
  for (let blob = 0; blob < plainBytes.length; blob += 1) {
    const entry = index.entryOf(content.blobs.hash(blob));
    if (entry < 0) return undefined;
    const measure = index.measureOf(entry);
    packs[blob] = measure.pack;
    plainBytes[blob] = measure.plainBytes;
  }
  const names = new Set(Array.from(new Set(packs), (pack) => index.packName(pack)));
  const missing = await findMissingPacks(repository, parent.systemIdentifier, names);
  if (missing.size > 0) damaged.addMissing(missing, blobsIn(missing, content, packs, index));
  return { content, packs, plainBytes };
}

/** The names of the blobs that lie in packs of these names. */
function* blobsIn(names: ReadonlySet<string>, { blobs }: ContentMap, packs: Uint32Array, index: BlobIndex): Generator<string> {
  for (let blob = 0; blob < blobs.count; blob += 1) if (names.has(index.packName(packs[blob] ?? -1))) yield blobs.hash(blob);
}
