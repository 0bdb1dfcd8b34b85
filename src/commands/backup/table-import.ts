import path from 'node:path';
import { importTable } from '../../backup/table/import-run.ts';
import { qualified } from '../../backup/table/definition.ts';
import { quoteLiteral } from '../../postgres/quote.ts';
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
  for (const { from, to: name } of imported.renamed) output.line(`  renamed    index ${from} is ${name} here: its name was taken`);
  if (imported.fired.length > 0) output.line(`  fired      ${imported.fired.join(', ')}`);
  for (const { column, sequence, past, moved } of imported.sequences) {
    if (moved) output.line(`  sequence   ${sequence} moved past ${past}, which came in ${column}`);
    else output.warn(`${sequence} may be behind ${past}, which came in ${column}, and give it again: ${moveSql(sequence, past)}`);
  }
  output.result(imported);
  return 0;
}

/** For who may. A sequence that goes down is for them to see. */
function moveSql(sequence: string, past: string): string {
  return `SELECT setval(${quoteLiteral(sequence)}, greatest(last_value, ${past})) FROM ${sequence}`;
}
