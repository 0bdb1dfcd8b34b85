import os from 'node:os';
import path from 'node:path';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { makeScratch } from '../../backup/drill/scratch-apply.ts';
import { describeWal, inspectRestore } from '../../backup/restore/inspect.ts';
import { describeSuspicion } from '../../backup/suspicion.ts';
import { parseTarget } from '../../backup/restore/target.ts';
import { qualified } from '../../backup/table/definition.ts';
import { withThrowawayCluster } from '../../backup/table/throwaway-run.ts';
import { transferTables } from '../../backup/table/transfer-run.ts';
import { connectionOfUrl } from '../../config/load.ts';
import { describeParameters } from '../../postgres/parameters.ts';
import { findServerPrograms, missingServerPrograms } from '../../postgres/programs.ts';
import { tableArgument } from '../backup/table-argument.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';
import { numberOption, targetOptions } from './restore-options.ts';

const START_TIMEOUT_SECONDS = 24 * 3600;

/** `dbadmin restore --table`: tables as they were, through a throw-away cluster, into a new schema. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, signal, env } = context;
  const tables = listOption(input, 'table').flatMap(splitTables).map(tableArgument);
  const now = clock.now();
  const target = parseTarget(targetOptions(input), now);
  const { config, cluster } = await loadProject(context, input);
  const url = textOption(input, 'intoUrl');
  const into = url === undefined ? cluster.connection : connectionOfUrl(context, url);
  const database = textOption(input, 'database') ?? cluster.connection.database;
  const schema =
    textOption(input, 'schema') ??
    `restored_${now
      .toISOString()
      .replace(/[-:]|\.\d+/g, '')
      .toLowerCase()}`;
  const opened = await openRepository(context, selectRepository(config, cluster, textOption(input, 'repository')));
  const scratch = await makeScratch([textOption(input, 'spool') ?? os.tmpdir()], 0);
  try {
    const preflight = await inspectRestore({
      repository: opened,
      clusterName: cluster.name,
      systemIdentifier: textOption(input, 'systemIdentifier'),
      target,
      exclusive: flagOption(input, 'exclusive'),
      backup: textOption(input, 'backup'),
      acceptsSuspect: flagOption(input, 'acceptSuspect'),
      timeline: numberOption(input, 'timeline'),
      dataDirectory: path.join(scratch.directory, 'data'),
      tablespaces: new Map(),
    });
    const { backup } = preflight.resolution;
    const names = tables.map((table) => qualified(table.schema, table.name)).join(', ');
    output.line(`tables     ${names} of ${database}`);
    output.line(
      `backup     ${backup.label}, ${formatBytes(preflight.layout.totalBytes)}, through a throw-away cluster in ${scratch.directory}`,
    );
    if (preflight.suspicion !== undefined) output.warn(`backup ${backup.label} is suspect. ${describeSuspicion(preflight.suspicion)}`);
    output.line(`wal        ${describeWal(preflight)}`);
    output.line(`into       schema ${schema} of ${describeParameters(into)}`);
    const shown = tables.map((table) => ({ from: table, to: { schema, name: table.name }, rows: null }));
    if (flagOption(input, 'dryRun')) {
      output.result({ tables: shown, target: describeParameters(into), restored: false });
      return 0;
    }
    const major = Math.floor(backup.serverVersion / 10_000);
    const programs = await findServerPrograms(major, env);
    if (programs === undefined) throw missingServerPrograms(major);
    await confirmOrStop(output, 'Restore?');
    const progress = output.progress('restoring');
    const roles = [cluster.connection.user, 'postgres', env['USER'] ?? 'postgres'];
    const transferred = await withThrowawayCluster(
      {
        preflight,
        programs,
        roles,
        timeoutSeconds: START_TIMEOUT_SECONDS,
        clock,
        signal,
        onProgress: (done, total) => progress.update(done, total),
      },
      async (superuser) => await transferTables({ ...superuser, database }, into, tables, schema),
    ).finally(() => progress.end());
    for (const { to, rows } of transferred) output.line(`  made       ${qualified(to.schema, to.name)}   ${rows} rows`);
    output.line(
      `done in ${formatDuration(clock.now().getTime() - now.getTime())}; no defaults, triggers, privileges or foreign keys came with them`,
    );
    output.result({ tables: transferred, target: describeParameters(into), restored: true });
    return 0;
  } finally {
    await scratch.remove();
    await opened.store.close();
  }
}

/** `a.b,c.d`, where a comma within quotes is part of a name. */
function splitTables(text: string): readonly string[] {
  return [...text.matchAll(/(?:"(?:[^"]|"")*"|[^",])+/g)].map(([name]) => name.trim());
}
