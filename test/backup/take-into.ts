import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLog, type Log } from '../../src/base/log.ts';
import type { TakeMode } from '../../src/backup/take/mode.ts';
import { takeBackup, type TakeResult } from '../../src/backup/take/run.ts';
import type { BackupSummary } from '../../src/repository/manifest.ts';
import type { Repository } from '../../src/repository/repository.ts';
import type { TestCluster } from '../postgres/cluster.ts';

export interface TakeIntoOptions {
  readonly kind?: 'full' | 'incremental';
  readonly clock?: Clock;
  readonly log?: Log;
  readonly maxRateKb?: number;
  readonly signal?: AbortSignal;
  readonly onMode?: (mode: TakeMode) => void;
}

/** Takes one backup into repositories by their names. */
export async function takeInto(
  cluster: TestCluster,
  repositories: Readonly<Record<string, Repository>>,
  options: TakeIntoOptions = {},
): Promise<TakeResult> {
  return await takeBackup({
    parameters: cluster.parameters(),
    connection: cluster.parameters(),
    repositories: Object.entries(repositories).map(([name, repository]) => ({ name, repository })),
    clusterName: 'main',
    tool: 'test',
    kind: options.kind ?? 'incremental',
    fastCheckpoint: true,
    maxRateKb: options.maxRateKb,
    onMode: (mode) => options.onMode?.(mode),
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    signal: options.signal ?? new AbortController().signal,
    onProgress: () => undefined,
  });
}

/** The summary of what was taken into the repository of this name. */
export function takenInto({ outcomes }: TakeResult, name: string): BackupSummary {
  const result = outcomes.find((outcome) => outcome.name === name)?.result;
  if (result?.kind !== 'taken') throw result?.error ?? new Error(`nothing went to ${name}`);
  return result.summary;
}
