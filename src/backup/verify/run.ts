import type { Clock } from '../../base/clock.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import { clusterKey, IDENTITY_KEY, KEYS_PREFIX } from '../../repository/layout.ts';
import type { Repository } from '../../repository/repository.ts';
import { verifyBackups, withoutExpired } from './backups-inspect.ts';
import { consequencesOf } from './consequences.ts';
import { verifyDumps } from './dumps-inspect.ts';
import { emptyTally, Faults } from './faults.ts';
import { placeOf } from './object-place.ts';
import { verifyPacks } from './packs-inspect.ts';
import { recheckOf } from './recheck.ts';
import { readStanding } from './record.ts';
import type { VerifyReport } from './report.ts';
import type { ReadExtent } from './sampling.ts';
import { verifySealed } from './sealed-inspect.ts';
import { inParallel, NO_SUCH_NAME, type VerifyTask } from './task.ts';
import { verifyWal } from './wal-inspect.ts';

export interface VerifyRequest {
  readonly repository: Repository;
  readonly repositoryName: string;
  readonly cluster: ClusterIdentity;
  readonly extent: ReadExtent;
  readonly tool: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onRead: (storedBytes: number) => void;
}

const AT_ONCE = 3;
/** Checked by their own steps. */
const AREAS = ['packs/', 'indexes/', 'backups/', 'wal/', 'dumps/'];

/**
 * Looks at everything that the repository holds of a cluster and says what is missing or damaged, and what that costs.
 *
 * Without content being read this finds what is absent, cut short or contradicts itself; reading everything finds each
 * changed bit. What an earlier verification found is read again whatever the extent, until one finds it mended or gone. Memory does not grow with the database, only with the number of its packs and blobs.
 *
 * @throws {DbadminError} when the repository is out of reach: then nothing is known of it.
 */
export async function verifyRepository(request: VerifyRequest): Promise<VerifyReport> {
  const { repository, cluster, clock } = request;
  const startedAt = clock.now();
  const { systemIdentifier } = cluster;
  const recheck = recheckOf(await readStanding(repository, systemIdentifier), request.extent);
  const task: VerifyTask = {
    repository,
    systemIdentifier,
    extent: request.extent,
    suspects: recheck.objects,
    faults: new Faults(),
    tally: emptyTally(),
    signal: request.signal,
    onRead: request.onRead,
  };
  await verifySmallObjects(task);
  const packs = await verifyPacks(task);
  const listed = await verifyBackups(task, packs);
  const wal = await verifyWal(task, cluster.walSegmentBytes);
  const backups = await withoutExpired(task, listed);
  const dumps = await verifyDumps(task);
  return {
    repository: request.repositoryName,
    repositoryId: repository.identity.id,
    cluster: cluster.name,
    systemIdentifier,
    tool: request.tool,
    extent: request.extent,
    rechecked: recheck.verifications,
    startedAt: startedAt.toISOString(),
    finishedAt: clock.now().toISOString(),
    tally: task.tally,
    ...consequencesOf(task.faults, backups, wal, dumps),
    leftovers: { packs: packs.unindexed, dumps: dumps.unfinished },
    faultCount: task.faults.count,
    faults: task.faults.kept,
  };
}

/** Identity, keys, cluster, and whatever small sealed objects the lineage has beside its content. */
async function verifySmallObjects(task: VerifyTask): Promise<void> {
  const { store } = task.repository;
  const lineage = `${task.systemIdentifier}/`;
  for (const prefix of [IDENTITY_KEY, KEYS_PREFIX, clusterKey(task.systemIdentifier), lineage]) {
    await inParallel(store.list(prefix), AT_ONCE, async (object) => {
      if (prefix === lineage && AREAS.some((area) => object.key.startsWith(`${lineage}${area}`))) return;
      task.tally.objects += 1;
      const place = placeOf(object.key);
      if (place.kind === 'sealed') await verifySealed(task, object, place.sealed);
      else task.faults.add({ kind: 'damaged', object: object.key, detail: NO_SUCH_NAME });
    });
  }
}
