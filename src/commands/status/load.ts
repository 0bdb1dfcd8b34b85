import { reasonOf } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import { selectCluster } from '../../config/load.ts';
import type { Policies } from '../../schedule/policies.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { findPolicies } from '../schedule/load-policies.ts';

export interface StatusProject {
  readonly config: Config;
  /** All of the configuration, or the one that `--cluster` or `--url` names. */
  readonly clusters: readonly ClusterConfig[];
  readonly policies: Policies | undefined;
  /** Why they cannot be read, where they are there. */
  readonly policiesProblem: string | undefined;
  /** In which moments are shown. */
  readonly localZone: string;
}

/** The configuration and the policies; policies that are wrong are a problem to be shown, not the end of it. */
export async function loadStatusProject(context: CommandContext, input: CommandInput): Promise<StatusProject> {
  const { config, policies, localZone, problem } = await findPolicies(context, input);
  const isNamed = textOption(input, 'cluster') !== undefined || textOption(input, 'url') !== undefined;
  const clusters = isNamed ? [selectCluster(config)] : [...config.clusters.values()];
  // Having none is no fault.
  const policiesProblem = problem === undefined || problem.code === 'config-missing' ? undefined : reasonOf(problem);
  return { config, clusters, policies, policiesProblem, localZone };
}
