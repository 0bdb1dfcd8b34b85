import path from 'node:path';
import { importTable } from '../../backup/table/import-run.ts';
import { qualified } from '../../backup/table/definition.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { tableArgument } from './table-argument.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, cwd } = context;
  const [directory = ''] = input.args;
  const as = textOption(input, 'as');
  const to = as === undefined ? undefined : tableArgument(as);
  const { cluster } = await loadProject(context, input);
  const database = textOption(input, 'database') ?? cluster.connection.database;
  const imported = await importTable({
    parameters: { ...cluster.connection, database },
    directory: path.resolve(cwd, directory),
    to,
    firesTriggers: flagOption(input, 'fireTriggers'),
  });
  const where = qualified(imported.to.schema, imported.to.name);
  output.line(
    imported.made
      ? `${where} of ${database}   made, with ${imported.rows} rows`
      : `${where} of ${database}   ${imported.added} of ${imported.rows} rows added, the others were there`,
  );
  if (imported.fired.length > 0) output.line(`  fired      ${imported.fired.join(', ')}`);
  output.result(imported);
  return 0;
}
