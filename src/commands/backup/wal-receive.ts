import path from 'node:path';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { WalDestination } from '../../backup/wal/destination.ts';
import { askOwner } from '../../backup/wal/owner-inspect.ts';
import type { WalOwner } from '../../backup/wal/push-run.ts';
import { runReceiver } from '../../backup/wal/receive-run.ts';
import { serveSocket, type ServedSocket } from '../../backup/wal/socket-serve-run.ts';
import { parseDuration } from '../../base/durations.ts';
import { isDbadminError } from '../../base/errors.ts';
import type { ClusterConfig } from '../../config/config.ts';
import { durationOption, flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openDestinations } from '../wal/destinations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, cluster } = await loadProject(context, input);
  if (flagOption(input, 'dropSlot')) return await dropSlot(context, cluster);
  const opened = await openDestinations(context, input, config, cluster);
  let served: ServedSocket | undefined;
  try {
    const stored = { lsn: 0n, timeline: 0 };
    served = await serve(context, input, cluster, opened.destinations);
    const end = await receive(context, input, cluster, opened.destinations, stored);
    context.output.line(`stored up to ${formatLsn(stored.lsn)} on timeline ${stored.timeline}`);
    context.output.result({ slot: cluster.slot, storedLsn: formatLsn(stored.lsn), timeline: stored.timeline, end });
    return 0;
  } finally {
    await served?.close();
    await opened.close();
  }
}

/** Answers pushes and gets beside the reception, when asked to. */
async function serve(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
  destinations: readonly WalDestination[],
): Promise<ServedSocket | undefined> {
  const socketPath = textOption(input, 'serve');
  if (socketPath === undefined) return undefined;
  let owner: Promise<WalOwner> | undefined;
  const served = await serveSocket({
    socketPath: path.resolve(context.cwd, socketPath),
    push: {
      destinations,
      clusterName: cluster.name,
      owner: async () => {
        owner ??= askOwner(cluster.replication);
        owner.catch(() => (owner = undefined));
        return await owner;
      },
      clock: context.clock,
      log: context.log,
    },
    fetch: { places: destinations, clusterName: cluster.name, systemIdentifier: undefined, log: context.log },
  });
  context.log.info(`serving wal push and wal get on ${socketPath}`);
  return served;
}

async function receive(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
  destinations: readonly WalDestination[],
  stored: { lsn: bigint; timeline: number },
): Promise<string> {
  try {
    const end = await runReceiver({
      parameters: cluster.replication,
      destinations,
      clusterName: cluster.name,
      slot: cluster.slot,
      rpoMs: Math.max(100, durationOption(input, 'rpo') ?? parseDuration('5s')),
      allowSynchronous: flagOption(input, 'allowSynchronous'),
      clock: context.clock,
      random: Math.random,
      log: context.log,
      signal: context.signal,
      onStored: (lsn, timeline) => Object.assign(stored, { lsn, timeline }),
    });
    return end.kind;
  } catch (error) {
    // Being told to stop is how a receiver ends.
    if (isDbadminError(error, 'interrupted')) return 'stopped';
    throw error;
  }
}

async function dropSlot(context: CommandContext, cluster: ClusterConfig): Promise<number> {
  const connection = await ReplicationConnection.open(cluster.replication, { applicationName: 'dbadmin' });
  try {
    await connection.dropSlot(cluster.slot);
  } finally {
    await connection.close();
  }
  context.output.line(`slot ${cluster.slot} dropped: the server no longer keeps WAL for the repository`);
  context.output.result({ slot: cluster.slot, storedLsn: null, timeline: null, end: 'dropped' });
  return 0;
}
