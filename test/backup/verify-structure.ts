import type { VerifyReport } from '../../src/backup/verify/report.ts';
import { verifyRepository } from '../../src/backup/verify/run.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { ClusterIdentity } from '../../src/repository/identity.ts';
import type { Repository } from '../../src/repository/repository.ts';

/** What `backup verify` finds without reading the content. */
export async function verifyStructure(repository: Repository, cluster: ClusterIdentity, clock: Clock): Promise<VerifyReport> {
  return await verifyRepository({
    repositoryName: 'local',
    cluster,
    extent: { kind: 'structure' },
    tool: 'test',
    onRead: () => undefined,
    repository,
    clock,
    signal: new AbortController().signal,
  });
}
