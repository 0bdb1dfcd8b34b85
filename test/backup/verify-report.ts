import type { VerifyReport } from '../../src/backup/verify/report.ts';
import type { ReadExtent } from '../../src/backup/verify/sampling.ts';
import { verifyRepository } from '../../src/backup/verify/run.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { ClusterIdentity } from '../../src/repository/identity.ts';
import type { Repository } from '../../src/repository/repository.ts';

/** What `backup verify` finds without reading the content. */
export async function verifyStructure(repository: Repository, cluster: ClusterIdentity, clock: Clock): Promise<VerifyReport> {
  return await verify(repository, cluster, clock, { kind: 'structure' });
}

/** What `backup verify --read-data` finds. */
export async function verifyEverything(repository: Repository, cluster: ClusterIdentity, clock: Clock): Promise<VerifyReport> {
  return await verify(repository, cluster, clock, { kind: 'everything' });
}

async function verify(repository: Repository, cluster: ClusterIdentity, clock: Clock, extent: ReadExtent): Promise<VerifyReport> {
  return await verifyRepository({
    repositoryName: 'local',
    cluster,
    extent,
    tool: 'test',
    onRead: () => undefined,
    repository,
    clock,
    signal: new AbortController().signal,
  });
}
