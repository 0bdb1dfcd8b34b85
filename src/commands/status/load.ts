import { isDbadminError, reasonOf } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import type { Policies } from '../../schedule/policies.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { loadPolicies } from '../schedule/load-policies.ts';

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
  const { config, cluster } = await loadProject(context, input);
  const isNamed = textOption(input, 'cluster') !== undefined || textOption(input, 'url') !== undefined;
  const clusters = isNamed ? [cluster] : [...config.clusters.values()];
  const localZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const quiet = { ...context, log: { ...context.log, warn: () => undefined } };
  try {
    const { policies } = await loadPolicies(quiet, input);
    return { config, clusters, policies, policiesProblem: undefined, localZone };
  } catch (error) {
    if (!isDbadminError(error)) throw error;
    const problem = error.code === 'config-missing' ? undefined : reasonOf(error);
    return { config, clusters, policies: undefined, policiesProblem: problem, localZone };
  }
}
