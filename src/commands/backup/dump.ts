import os from 'node:os';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { inspectDumpSource } from '../../backup/dump/inspect.ts';
import { chooseDatabases, takeDump } from '../../backup/dump/run.ts';
import { findClientProgram } from '../../postgres/programs.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, env } = context;
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const source = await inspectDumpSource(cluster.connection);
  const databases = chooseDatabases(source, listOption(input, 'database'));
  const program = await findClientProgram('pg_dump', { atLeastMajor: source.major }, env);
  const globalsProgram = await findClientProgram('pg_dumpall', { atLeastMajor: source.major }, env);
  const opened = await openRepository(context, repository);
  try {
    output.line(`${cluster.name} → ${repository.name}   dump of ${databases.length} ${databases.length === 1 ? 'database' : 'databases'}`);
    const startedAt = clock.now().getTime();
    const manifest = await takeDump({
      repository: opened,
      keyPrefix: `${source.systemIdentifier}/`,
      clusterName: cluster.name,
      source,
      parameters: cluster.connection,
      databases,
      selection: { schemaOnly: flagOption(input, 'schemaOnly'), tablePattern: [...listOption(input, 'table')] },
      program,
      globalsProgram,
      env,
      spoolDirectory: textOption(input, 'spool') ?? os.tmpdir(),
      clock,
      tool: context.version,
      signal: context.signal,
      onDatabase: ({ database, sizeBytes }) => output.line(`  ${database.padEnd(20)} ${formatBytes(sizeBytes)}`),
    });
    output.line(`  ${'globals.sql'.padEnd(20)} ${formatBytes(manifest.globals.sizeBytes)}   roles and settings, without passwords`);
    const totalBytes = manifest.databases.reduce((sum, { sizeBytes }) => sum + sizeBytes, manifest.globals.sizeBytes);
    const tookMs = clock.now().getTime() - startedAt;
    output.line(`  done       ${manifest.label}   ${formatDuration(tookMs)}   ${formatBytes(totalBytes)}   pg_dump ${program.version}`);
    output.line('A dump brings back single databases as of when it began, and no later moment: for that, dbadmin backup run.');
    output.result({ repository: repository.name, ...manifest });
    return 0;
  } finally {
    await opened.store.close();
  }
}
