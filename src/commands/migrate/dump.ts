import path from 'node:path';
import { inspectServer } from '../../migrate/session/inspect-server.ts';
import { readDump } from '../../migrate/schema/dump.ts';
import { dumpSchema } from '../../migrate/schema/dump-run.ts';
import { schemaPath } from '../../migrate/schema/refresh-run.ts';
import { writeWhole } from '../../migrate/schema/write-apply.ts';
import { flagOption, type CommandContext, type CommandInput } from '../command.ts';
import { count, loadMigrations, withSession } from './load-migrations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, env, signal } = context;
  const project = await loadMigrations(context, input);
  const { major, database } = await withSession(context, project, inspectServer);
  const { connection } = project.cluster;
  const text = await dumpSchema({ connection, historySchema: project.config.migrate.schema, major, env, signal });
  if (flagOption(input, 'stdout')) {
    output.raw(text);
    return 0;
  }
  const file = schemaPath(project.directories);
  const changed = await writeWhole(file, text);
  const objects = readDump(text, file).length;
  const shown = path.relative(context.cwd, file);
  output.line(`${shown}   ${count(objects, 'object')} of ${database}, PostgreSQL ${major}   ${changed ? 'written' : 'unchanged'}`);
  output.result({ file, database, major, objects, changed });
  return 0;
}
