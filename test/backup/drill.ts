import { systemClock } from '../../src/base/clock.ts';
import { makeScratch, sweepScratch } from '../../src/backup/drill/scratch-apply.ts';
import { runDrill, type DrillRequest, type DrillRun } from '../../src/backup/drill/run.ts';
import { embeddedPrograms } from '../../src/postgres/embedded.ts';
import type { Repository } from '../../src/repository/repository.ts';

/** Holds a drill in `place` on the embedded programs of the backup's major. */
export async function drill(repository: Repository, place: string, options: Partial<DrillRequest> = {}): Promise<DrillRun> {
  await sweepScratch([place], new Date());
  const scratch = await makeScratch([place], 0);
  try {
    return await runDrill({
      repository,
      clusterName: 'main',
      systemIdentifier: undefined,
      aim: { kind: 'latest' },
      backup: undefined,
      assertions: [],
      database: 'postgres',
      roles: ['postgres'],
      amcheck: 'on',
      scratch: scratch.directory,
      findPrograms: async (major) => await embeddedPrograms(major),
      timeoutSeconds: 60,
      clock: systemClock,
      signal: new AbortController().signal,
      onPhase: () => undefined,
      onProgress: () => undefined,
      ...options,
    });
  } finally {
    await scratch.remove();
  }
}
