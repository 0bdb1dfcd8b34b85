import type { ClusterConfig, Config } from '../config/config.ts';
import { loadConfig, selectCluster } from '../config/load.ts';
import type { Log } from '../base/log.ts';
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
  warnOfConfig(context.log, config);
  return { config, cluster: selectCluster(config) };
}

/** What was said, by whom it was said to: one command reads its project several times. */
const said = new WeakMap<Log, Set<string>>();

/** Shows what is to be warned of in a configuration, each once for all that a command does. */
export function warnOfConfig(log: Log, { warnings }: Pick<Config, 'warnings'>): void {
  const known = said.get(log) ?? new Set<string>();
  said.set(log, known);
  for (const warning of warnings) {
    if (known.has(warning)) continue;
    known.add(warning);
    log.warn(warning);
  }
}
