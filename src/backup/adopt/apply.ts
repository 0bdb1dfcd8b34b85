import { systemCodeOf } from '../../base/errors.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import type { NamedRepository } from '../take/destination.ts';
import type { RunningCluster } from './inspect.ts';
import type { AdoptPlan } from './plan.ts';

export interface AdoptOptions {
  readonly plan: AdoptPlan;
  readonly running: RunningCluster;
  readonly replication: ConnectionParameters;
  readonly slot: string;
  readonly repositories: readonly NamedRepository[];
  readonly walSegmentBytes: number;
}

/** Stores the timeline's history and makes the slot; the backup is taken by whoever takes backups. Each can be done twice. */
export async function applyAdoption(options: AdoptOptions): Promise<void> {
  const { plan, running, slot } = options;
  for (const { name, repository } of options.repositories) {
    if (!plan.lacksHistory.includes(name) || running.history === undefined) continue;
    await new WalArchive(repository, running.systemIdentifier, options.walSegmentBytes).putHistory(running.timeline, running.history);
  }
  if (running.hasSlot) return;
  const connection = await ReplicationConnection.open(options.replication, { applicationName: 'dbadmin adopt' });
  try {
    await connection.createPhysicalSlot(slot, { reserveWal: true });
  } catch (error) {
    // Somebody made it in the meantime.
    if (systemCodeOf(error instanceof Error ? error.cause : undefined) !== '42710') throw error;
  } finally {
    await connection.close();
  }
}
