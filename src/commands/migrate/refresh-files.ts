import type { FinishedRun } from '../../migrate/hooks.ts';
import { lockShown } from '../../migrate/schema/lock-file.ts';
import { refreshSchemaFiles, schemaShown } from '../../migrate/schema/refresh-run.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import type { MigrateProject } from './load-migrations.ts';

/**
 * What brings sql/migrations.lock and sql/schema.sql up to date after a run; nothing with `--no-schema-file`. It speaks on
 * stderr: whether there is a pg_dump says something about the machine and nothing about the run.
 */
export function refreshFiles(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
): (run: Pick<FinishedRun, 'server'>) => Promise<void> {
  const { output, env, signal } = context;
  const { config, cluster, directories } = project;
  return async ({ server }) => {
    if (input.options['schemaFile'] === false) return;
    const options = { connection: cluster.connection, historySchema: config.migrate.schema, major: server.major, env, signal, directories };
    const { lockChanged, schema } = await refreshSchemaFiles(options);
    const written = [...(lockChanged ? [lockShown(directories)] : []), ...(schema.kind === 'written' ? [schemaShown(directories)] : [])];
    if (written.length > 0) output.note(`${written.join(' and ')} written: commit ${written.length === 1 ? 'it' : 'them'}`);
    if (schema.kind === 'left') output.note(`${schemaShown(directories)} left as it is: ${schema.why}`);
  };
}
