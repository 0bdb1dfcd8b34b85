import path from 'node:path';
import { askOwner, ownerOfDataDirectory } from '../../backup/wal/owner-inspect.ts';
import { pushWalFile } from '../../backup/wal/push-run.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openDestinations } from './destinations.ts';

/** Exit status contract of archive_command: 0 when it is safe, otherwise 1, and never 126 or more. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const [file = ''] = input.args;
  const { config, cluster } = await loadProject(context, input);
  const opened = await openDestinations(context, input, config, cluster);
  const { destinations } = opened;
  try {
    const result = await pushWalFile(path.resolve(context.cwd, file), {
      destinations,
      clusterName: cluster.name,
      owner: async () => (await ownerOfDataDirectory(context.cwd)) ?? (await askOwner(cluster.replication)),
      clock: context.clock,
      log: context.log,
    });
    context.output.result({ file: path.basename(file), result, repositories: destinations.map(({ name }) => name) });
    return 0;
  } finally {
    await opened.close();
  }
}
