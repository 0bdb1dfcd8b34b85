import path from 'node:path';
import { formatBytes } from '../../base/bytes.ts';
import { exportTable } from '../../backup/table/export-run.ts';
import { qualified } from '../../backup/table/definition.ts';
import { DbadminError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-word.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { tableArgument } from './table-argument.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, cwd, version, signal } = context;
  const table = tableArgument(input.args[0] ?? '');
  const out = textOption(input, 'out');
  if (out === undefined)
    throw new DbadminError('usage', 'an export needs a directory', { hint: 'Give --out DIR: empty, or not there yet.' });
  const directory = path.resolve(cwd, out);
  const { cluster } = await loadProject(context, input);
  const database = textOption(input, 'database') ?? cluster.connection.database;
  const parameters = { ...cluster.connection, database };
  const exported = await exportTable({ parameters, ...table, directory, clock, tool: version, signal });
  output.line(
    `${qualified(table.schema, table.name)} of ${database} → ${directory}   ${exported.rows} rows, ${formatBytes(exported.sizeBytes)}`,
  );
  output.line(`import it: dbadmin backup table import ${shellWord(out)}`);
  output.result({ ...exported, directory });
  return 0;
}
