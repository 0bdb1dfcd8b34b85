import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { listFindings } from '../../repository/audit-findings.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { ensureSameSegments } from '../../repository/identity.ts';
import { acquireLease, type Lease } from '../../repository/leases.ts';
import { listBackups, type BackupSummary } from '../../repository/manifest.ts';
import { findMissingPacks, readMarks } from '../../repository/marks.ts';
import type { Repository } from '../../repository/repository.ts';
import { ensureReserve } from '../../repository/reserve.ts';
import { describeUntrusted } from '../../repository/untrusted-indexes.ts';
import { brokenBackups, toldBy, type BrokenBackups } from '../broken.ts';
import type { Source } from '../source-inspect.ts';
import { suspicionsOf, type Suspicions } from '../suspicion.ts';
import { readStanding } from '../verify/record.ts';
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
  /** Those that do not restore whole, as a verification found. */
  readonly broken: BrokenBackups;
  /** Labels of the verifications that `broken` goes by. */
  readonly verifications: readonly string[];
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
  await ensureSameSegments(repository, {
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
    for (const key of index.untrusted) log.warn(describeUntrusted(key, name));
    const backups = await listBackups(repository, systemIdentifier);
    const suspicions = suspicionsOf(backups, await listFindings(repository, systemIdentifier));
    const standing = await readStanding(repository, systemIdentifier);
    const broken = brokenBackups(backups, standing);
    const damaged = new DamagedContent(name, log);
    damaged.miss(await missingPacks(repository, systemIdentifier, index), index);
    return { name, repository, lease, index, backups, suspicions, broken, verifications: toldBy(standing), damaged };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** The destination with an index read anew: what an attempt that failed has put into it is in packs that may not be there. */
export async function withIndexAnew(destination: Destination, systemIdentifier: string): Promise<Destination> {
  const { repository, damaged } = destination;
  const index = await BlobIndex.load(repository, systemIdentifier, { skipPacks: await readMarks(repository, systemIdentifier) });
  damaged.miss(await missingPacks(repository, systemIdentifier, index), index);
  return { ...destination, index };
}

/** The content of a parent in one repository. */
export interface ParentContent {
  readonly content: ContentMap;
  /** Of each blob by its number in the content. */
  readonly plainBytes: Uint32Array;
}

/**
 * The parent's content, or undefined when some of it is not there to be relied on. A manifest that cannot be read is thrown: whoever
 * asks passes the backup over for an older one.
 */
export async function readReliableParent(destination: Destination, parent: BackupSummary): Promise<ParentContent | undefined> {
  const { index, repository } = destination;
  const content = await readParentContent(repository, parent);
  const plainBytes = new Uint32Array(content.blobs.count);
  for (let blob = 0; blob < plainBytes.length; blob += 1) {
    const entry = index.entryOf(content.blobs.hash(blob));
    if (entry < 0) return undefined;
    plainBytes[blob] = index.measureOf(entry).plainBytes;
  }
  return { content, plainBytes };
}

/** The packs that an index names and that are not there. */
async function missingPacks(repository: Repository, systemIdentifier: string, index: BlobIndex): Promise<ReadonlySet<string>> {
  const named = Array.from({ length: index.packCount }, (_, pack) => index.packName(pack));
  return await findMissingPacks(repository, systemIdentifier, new Set(named));
}
