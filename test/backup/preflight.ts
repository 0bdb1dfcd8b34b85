import { inspectRestore, type Preflight } from '../../src/backup/restore/inspect.ts';
import type { Repository } from '../../src/repository/repository.ts';

/** What a restore of cluster main to the end of its WAL would be, as the command looks before it lays anything down. */
export async function preflightToLatest(repository: Repository, into: string): Promise<Preflight> {
  return await inspectRestore({
    repository,
    clusterName: 'main',
    systemIdentifier: undefined,
    target: { kind: 'latest' },
    exclusive: false,
    backup: undefined,
    timeline: undefined,
    dataDirectory: into,
    tablespaces: new Map(),
  });
}
