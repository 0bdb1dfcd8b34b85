import path from 'node:path';
import { makeScratch, sweepScratch } from '../../backup/drill/scratch-apply.ts';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { inspectRestore } from '../../backup/restore/inspect.ts';
import { withThrowawayCluster } from '../../backup/table/throwaway-run.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { findServerPrograms, missingServerPrograms } from '../../postgres/programs.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { scratchPlaces } from '../scratch-places.ts';

const START_TIMEOUT_SECONDS = 24 * 3600;
/** The data, the WAL that is replayed over it and what the replay writes. */
const ROOM = 1.2;

export interface PastMoment {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly at: Date;
}

/** Asks the cluster as it was at a moment: restores it to where nobody else can reach it, and removes it afterwards. */
export async function inRestoredCluster<Value>(
  context: CommandContext,
  input: CommandInput,
  { config, cluster, at }: PastMoment,
  ask: (superuser: ConnectionParameters) => Promise<Value>,
): Promise<Value> {
  const { output, clock, signal, env } = context;
  const places = scratchPlaces(context, input);
  for (const left of await sweepScratch(places, clock.now())) context.log.info(`removed ${left}, which a run that was killed had left`);
  const repository = await openRepository(context, selectRepository(config, cluster, textOption(input, 'repository')));
  try {
    const { backups } = await inspectLineage(repository, cluster.name, undefined);
    const scratch = await makeScratch(places, Math.max(0, ...backups.map(({ plainBytes }) => plainBytes)) * ROOM);
    try {
      const preflight = await inspectRestore({
        repository,
        clusterName: cluster.name,
        systemIdentifier: undefined,
        target: { kind: 'time', at },
        exclusive: false,
        backup: undefined,
        timeline: undefined,
        dataDirectory: path.join(scratch.directory, 'data'),
        tablespaces: new Map(),
      });
      const major = Math.floor(preflight.resolution.backup.serverVersion / 10_000);
      const programs = await findServerPrograms(major, env);
      if (programs === undefined) throw missingServerPrograms(major);
      const progress = output.progress('restoring');
      const roles = [cluster.connection.user, cluster.replication.user, 'postgres', env['USER'] ?? 'postgres'];
      const onProgress = (done: number, total: number): void => progress.update(done, total);
      return await withThrowawayCluster(
        { preflight, programs, roles, timeoutSeconds: START_TIMEOUT_SECONDS, clock, signal, onProgress },
        ask,
      ).finally(() => progress.end());
    } finally {
      await scratch.remove();
    }
  } finally {
    await repository.store.close();
  }
}
