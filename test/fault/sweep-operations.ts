import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { expireLineage } from '../../src/backup/expire/run.ts';
import { findOwnCluster } from '../../src/backup/lineage-inspect.ts';
import { takeBackup } from '../../src/backup/take/run.ts';
import { openDestination } from '../../src/backup/wal/destination.ts';
import { askOwner } from '../../src/backup/wal/owner-inspect.ts';
import { runReceiver } from '../../src/backup/wal/receive-run.ts';
import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import type { Repository } from '../../src/repository/repository.ts';

export const SWEPT = ['backup', 'receive', 'expire'] as const;
export type Swept = (typeof SWEPT)[number];

/** Keeps the two newest backups and nothing else, with no grace: collection has something to do each time. */
const RETENTION = {
  windowMs: undefined,
  keep: { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
  minimum: 2,
  dumps: undefined,
  timeZone: 'UTC',
} as const;

/** One operation of those that write to a repository. Receiving ends by itself after `receiveMs`. */
export async function runSwept(
  operation: Swept,
  repository: Repository,
  parameters: ConnectionParameters,
  receiveMs = 1500,
): Promise<void> {
  const common = { clock: systemClock, log: silentLog };
  const stop = new AbortController();
  if (operation === 'backup') {
    const { outcomes } = await takeBackup({
      ...common,
      parameters,
      connection: parameters,
      repositories: [{ name: 'local', repository }],
      clusterName: 'main',
      tool: 'test',
      kind: 'incremental',
      fastCheckpoint: true,
      maxRateKb: undefined,
      signal: stop.signal,
      onProgress: () => undefined,
    });
    for (const { result } of outcomes) if (result.kind === 'failed') throw result.error;
    return;
  }
  if (operation === 'expire') {
    // As the command finds it: where what the repository says of it cannot be read, its server says which it is.
    const cluster = await findOwnCluster(repository, 'main', async () => (await askOwner(parameters)).systemIdentifier, true);
    await expireLineage(repository, cluster, { ...common, retention: RETENTION, graceMs: 0, signal: stop.signal });
    return;
  }
  setTimeout(() => stop.abort(new Error('told to stop')), receiveMs);
  try {
    await runReceiver({
      ...common,
      parameters,
      destinations: [openDestination(repository)],
      clusterName: 'main',
      slot: 'dbadmin',
      rpoMs: 100,
      allowSynchronous: false,
      random: Math.random,
      signal: stop.signal,
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}
