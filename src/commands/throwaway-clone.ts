import path from 'node:path';
import { makeScratch, sweepScratch } from '../backup/drill/scratch-apply.ts';
import { inspectLineage } from '../backup/lineage-inspect.ts';
import { inspectRestore, type Preflight } from '../backup/restore/inspect.ts';
import { describeBrokenAside } from '../backup/broken.ts';
import { describeSuspicion } from '../backup/suspicion.ts';
import { unsummedPagesOf } from '../backup/unsummed-pages.ts';
import type { RestoreTarget } from '../backup/restore/target.ts';
import { withThrowawayCluster } from '../backup/table/throwaway-run.ts';
import type { ClusterConfig, Config } from '../config/config.ts';
import { findServerPrograms, missingServerPrograms } from '../postgres/programs.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import { textOption, type CommandContext, type CommandInput } from './command.ts';
import { openRepository, selectRepository } from './open-repository.ts';
import { scratchPlaces } from './scratch-places.ts';

/** Beside the backup itself: the WAL that is replayed over it and what the replay writes. */
const ROOM = 1.2;
const START_TIMEOUT_SECONDS = 24 * 3600;

export interface CloneWish {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly target: RestoreTarget;
  /** Of a cluster that had the name before; undefined: the newest. */
  readonly systemIdentifier?: string | undefined;
  /** A backup's label; undefined: the last one before the target. */
  readonly backup?: string | undefined;
  /** How many times the size of the largest backup must be free where the clone is made. */
  readonly room?: number;
  readonly timeoutSeconds?: number;
  /** Called before anything is restored. */
  readonly onFound?: (clone: FoundClone) => void;
}

export interface FoundClone {
  readonly preflight: Preflight;
  /** Holds the clone, and is removed with it. */
  readonly directory: string;
}

/**
 * Restores the cluster as it was into a scratch directory (`--scratch`, `--repository`), where nobody but `work` can reach it, and
 * removes it when `work` has ended, however that ended. What killed runs left behind is removed first.
 *
 * @throws {DbadminError} `repository-missing` and whatever else a restore is refused for; `program-missing` without the server's programs.
 */
export async function withThrowawayClone<Value>(
  context: CommandContext,
  input: CommandInput,
  wish: CloneWish,
  work: (superuser: ConnectionParameters, clone: FoundClone) => Promise<Value>,
): Promise<Value> {
  const { output, clock, signal, env } = context;
  const { config, cluster, target, systemIdentifier, backup } = wish;
  const places = scratchPlaces(context, input);
  for (const left of await sweepScratch(places, clock.now())) context.log.info(`removed ${left}, which a run that was killed had left`);
  const repository = await openRepository(context, selectRepository(config, cluster, textOption(input, 'repository')));
  try {
    const { backups } = await inspectLineage(repository, cluster.name, systemIdentifier);
    const scratch = await makeScratch(places, Math.max(0, ...backups.map(({ plainBytes }) => plainBytes)) * (wish.room ?? ROOM));
    try {
      const preflight = await inspectRestore({
        repository,
        clusterName: cluster.name,
        systemIdentifier,
        target,
        exclusive: false,
        backup,
        acceptsSuspect: true,
        passesOverDamaged: true,
        timeline: undefined,
        dataDirectory: path.join(scratch.directory, 'data'),
        tablespaces: new Map(),
      });
      for (const aside of preflight.brokenAside) output.warn(describeBrokenAside(aside));
      if (preflight.suspicion !== undefined)
        output.warn(
          `the clone is made from ${preflight.resolution.backup.label}, which is suspect. ${describeSuspicion(preflight.suspicion)}`,
        );
      const unsummed = unsummedPagesOf(preflight.resolution.backup, backups);
      if (unsummed !== undefined) output.warn(unsummed);
      const major = Math.floor(preflight.resolution.backup.serverVersion / 10_000);
      const programs = await findServerPrograms(major, env);
      if (programs === undefined) throw missingServerPrograms(major);
      const clone = { preflight, directory: scratch.directory };
      wish.onFound?.(clone);
      const progress = output.progress('restoring');
      const roles = [cluster.connection.user, cluster.replication.user, 'postgres', env['USER'] ?? 'postgres'];
      const timeoutSeconds = wish.timeoutSeconds ?? START_TIMEOUT_SECONDS;
      const onProgress = (done: number, total: number): void => progress.update(done, total);
      return await withThrowawayCluster({ preflight, programs, roles, timeoutSeconds, clock, signal, onProgress }, async (superuser) => {
        progress.end();
        return await work(superuser, clone);
      }).finally(() => progress.end());
    } finally {
      await scratch.remove();
    }
  } finally {
    await repository.store.close();
  }
}
