import type { Archiving } from '../../backup/wal/archiving-inspect.ts';
import type { WalDestination } from '../../backup/wal/destination.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import type { OpenDestinations } from '../wal/destinations.ts';

/** The repositories of the cluster that is migrated, opened when first asked for: a run with nothing to do opens none. */
export interface RunRepositories {
  readonly cluster: ClusterConfig;
  /** Empty when the cluster has none. */
  destinations(): Promise<readonly WalDestination[]>;
  /** Who takes the cluster's WAL away, and which cluster it is. */
  archiving(): Promise<Archiving>;
  close(): Promise<void>;
}

export function runRepositories(
  context: CommandContext,
  input: CommandInput,
  { config, cluster }: { readonly config: Config; readonly cluster: ClusterConfig },
): RunRepositories {
  let opened: Promise<OpenDestinations> | undefined;
  let archiving: Promise<Archiving> | undefined;
  return {
    cluster,
    destinations: async () => {
      if (cluster.repositories.length === 0) return [];
      opened ??= import('../wal/destinations.ts').then(async (wal) => await wal.openDestinations(context, input, config, cluster));
      return (await opened).destinations;
    },
    archiving: async () => {
      archiving ??= import('../../backup/wal/archiving-inspect.ts').then(async (wal) => {
        return await wal.inspectArchiving(cluster.connection, cluster.slot);
      });
      return await archiving;
    },
    close: async () => {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
