import type { TimeTarget } from '../../backup/restore/target.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { withThrowawayClone } from '../throwaway-clone.ts';

export interface PastMoment {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly target: TimeTarget;
}

/** Asks the cluster as it was at a moment: restores it to where nobody else can reach it, and removes it afterwards. */
export async function inRestoredCluster<Value>(
  context: CommandContext,
  input: CommandInput,
  { config, cluster, target }: PastMoment,
  ask: (superuser: ConnectionParameters) => Promise<Value>,
): Promise<Value> {
  return await withThrowawayClone(context, input, { config, cluster, target }, ask);
}
