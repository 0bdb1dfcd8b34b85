import type { ClusterConfig, Config } from '../config/config.ts';
import { loadConfig, selectCluster } from '../config/load.ts';
import { textOption, type CommandContext, type CommandInput } from './command.ts';

/** The configuration and the cluster that a command is about, by its `--config`, `--cluster` and `--url`; warnings are shown. */
export async function loadProject(
  context: Pick<CommandContext, 'env' | 'cwd' | 'log' | 'access'>,
  input: CommandInput,
): Promise<{ readonly config: Config; readonly cluster: ClusterConfig }> {
  const config = await loadConfig(context, {
    config: textOption(input, 'config'),
    cluster: textOption(input, 'cluster'),
    url: textOption(input, 'url'),
  });
  for (const warning of new Set(config.warnings)) context.log.warn(warning);
  return { config, cluster: selectCluster(config) };
}
