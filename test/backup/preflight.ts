import { inspectRestore, type Preflight, type RestoreRequest } from '../../src/backup/restore/inspect.ts';
import type { Repository } from '../../src/repository/repository.ts';

/** What a restore of cluster main would be, as the command looks before it lays anything down: to the end of its WAL unless `options` say else. */
export async function preflightOf(repository: Repository, into: string, options: Partial<RestoreRequest> = {}): Promise<Preflight> {
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
    ...options,
  });
}
