import { applyRestore, type Restored } from '../../src/backup/restore/apply.ts';
import type { Preflight } from '../../src/backup/restore/inspect.ts';
import type { ServerPrograms } from '../../src/postgres/server.ts';

/** Lays a backup down as a production that gets no WAL from any repository. */
export async function layDownProduction(preflight: Preflight, programs: ServerPrograms, port: number): Promise<Restored> {
  return await applyRestore({
    preflight,
    port,
    clusterName: 'unused',
    action: 'promote',
    production: { walGet: ['/bin/false'] },
    programs,
    owner: programs.runAs,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}
