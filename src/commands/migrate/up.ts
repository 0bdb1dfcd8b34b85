import { execFile } from 'node:child_process';
import { parseDuration, formatDuration } from '../../base/durations.ts';
import { DEFAULT_RETRY } from '../../migrate/retry.ts';
import { migrateUp, type MigrateUpResult } from '../../migrate/run.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import type { Output } from '../output.ts';
import { count, loadMigrations, policyOf } from './load-migrations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const { config, cluster, directories } = await loadMigrations(context, input);
  const startedMs = clock.now().getTime();
  const result = await migrateUp({
    connection: cluster.connection,
    schema: config.migrate.schema,
    lockTimeoutMs: config.migrate.lockTimeoutMs,
    directories,
    toolVersion: context.version,
    gitCommit: await gitCommit(directories.project),
    policy: policyOf(input),
    retry: DEFAULT_RETRY,
    waitMs: parseDuration(textOption(input, 'lockWait') ?? '5m'),
    wantsRestorePoint: input.options['restorePoint'] !== false,
    clock,
    random: Math.random,
    log,
    signal,
    onApplied: ({ file, statements, attempts, tookMs }) => {
      const again = attempts > 1 ? `   ${attempts} attempts` : '';
      output.line(`  ${file.padEnd(56)} ${count(statements, 'statement').padStart(13)}   ${formatDuration(tookMs)}${again}`);
    },
  });
  report(output, result, cluster.name, clock.now().getTime() - startedMs);
  return 0;
}

function report(output: Output, result: MigrateUpResult, cluster: string, tookMs: number): void {
  const { database, versioned, routines, restorePoint, warnings, runId } = result;
  for (const { name, change } of routines) output.line(`  routine ${name.padEnd(48)} ${change.padStart(13)}`);
  for (const warning of warnings) output.warn(warning);
  if (runId === undefined) output.line(`${database} on ${cluster} is up to date`);
  else {
    output.line(
      `${count(versioned.length, 'file')} and ${count(routines.length, 'routine')} applied to ${database} on ${cluster} in ${formatDuration(tookMs)}`,
    );
    if (restorePoint !== undefined)
      output.line(`the moment before is restore point ${restorePoint.name}, ${restorePoint.lsn} on timeline ${restorePoint.timeline}`);
  }
  const point = restorePoint === undefined ? null : { ...restorePoint, archived: restorePoint.archived ?? null };
  output.result({ database, runId: runId ?? null, versioned, routines, restorePoint: point, warnings });
}

/** The commit checked out in the project, or undefined where git does not know one. */
async function gitCommit(directory: string): Promise<string | undefined> {
  return await new Promise((resolve) => {
    execFile('git', ['rev-parse', 'HEAD'], { cwd: directory, timeout: 2000 }, (error, stdout) => {
      const commit = stdout.trim();
      resolve(error === null && /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined);
    });
  });
}
