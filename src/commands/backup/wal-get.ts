import path from 'node:path';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { getWalFile } from '../../backup/wal/get-run.ts';
import { DbadminError } from '../../base/errors.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';

/** Exit status contract of restore_command: 0, the absent code, or a failure, which `cli.ts` turns into 126. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const [name = '', target = ''] = input.args;
  const absentCode = Number(textOption(input, 'absentCode') ?? '1');
  if (!Number.isInteger(absentCode) || absentCode < 1 || absentCode > 125) {
    throw new DbadminError('usage', '--absent-code takes a whole number from 1 to 125');
  }
  const { config, cluster } = await loadProject(context, input);
  const repository = await openRepository(context, selectRepository(config, cluster, textOption(input, 'repository')));
  try {
    const contents = await inspectLineage(repository, cluster.name, textOption(input, 'systemIdentifier'));
    const result = await getWalFile(contents, name, path.resolve(context.cwd, target));
    context.output.result({ file: name, result });
    if (result === 'absent') context.log.debug(`${name} is not in the archive: its end`);
    return result === 'fetched' ? 0 : absentCode;
  } finally {
    await repository.store.close();
  }
}
