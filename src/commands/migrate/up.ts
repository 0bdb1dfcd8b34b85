import { formatDuration, parseDuration } from '../../base/durations.ts';
import type { AppliedFile } from '../../migrate/file-run.ts';
import { describeHeldLocks } from '../../migrate/watch/held-locks.ts';
import { DEFAULT_RETRY } from '../../migrate/session/retry.ts';
import { migrateUp, type MigrateUpResult } from '../../migrate/run.ts';
import { durationOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import type { Output } from '../output.ts';
import { gitCommit } from './git-commit.ts';
import { count, loadMigrations, policyOf } from './load-migrations.ts';
import { runRepositories } from './run-repositories.ts';
import { activityLine } from './show-activity.ts';

/** What only some runs need is loaded by those: a run with nothing to do is mostly the loading of code. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const project = await loadMigrations(context, input);
  const { config, cluster, directories } = project;
  const saved = textOption(input, 'plan') === undefined ? undefined : await (await import('./saved-plan.ts')).savedPlan(context, input);
  const repositories = runRepositories(context, input, project);
  const applied: AppliedFile[] = [];
  const lines = gatherLines(output);
  const startedMs = clock.now().getTime();
  try {
    const result = await migrateUp({
      connection: cluster.connection,
      schema: config.migrate.schema,
      lockTimeoutMs: config.migrate.lockTimeoutMs,
      directories,
      toolVersion: context.version,
      gitCommit: async () => await gitCommit(directories.project),
      ...saved,
      policy: saved?.policy ?? policyOf(input),
      retry: DEFAULT_RETRY,
      waitMs: durationOption(input, 'lockWait') ?? parseDuration('5m'),
      wantsRestorePoint: input.options['restorePoint'] !== false,
      awaitArchived: async (point) => await (await import('./await-recoverable.ts')).awaitRecoverable(context, repositories, point),
      afterRun: async (finished) => {
        lines.flush();
        await (await import('./refresh-files.ts')).refreshFiles(context, input, project)(finished);
      },
      beforeRun: async (found) => {
        const [{ lintBeforeRun }, { checkBackups }] = [await import('./lint-before-run.ts'), await import('./check-backups.ts')];
        return [...(await lintBeforeRun(found)), ...(await checkBackups(context, input, repositories))];
      },
      clock,
      random: Math.random,
      log,
      signal,
      onActivity: activityLine(output),
      onApplied: (file) => {
        applied.push(file);
        lines.add(fileLines(output, file));
      },
    });
    lines.flush();
    report(output, result, cluster.name, clock.now().getTime() - startedMs);
    return 0;
  } finally {
    lines.flush();
    // Also after a failure: what was applied before it stays applied.
    if (applied.length > 0 && cluster.repositories.length > 0) {
      const { recordMigrations } = await import('./record-migrations.ts');
      await recordMigrations(context, repositories, cluster.connection.database, applied);
    }
    await repositories.close();
  }
}

const LINES_EVERY_MS = 100;

/** Several lines to a write: writing each by itself, and waking whoever reads, takes as long as parsing the file it tells of. */
function gatherLines(output: Output): { add(lines: readonly string[]): void; flush(): void } {
  let waiting: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) output.line(waiting.join('\n'));
    waiting = [];
  };
  const add = (lines: readonly string[]): void => {
    waiting.push(...lines);
    timer ??= setTimeout(flush, LINES_EVERY_MS);
  };
  return { add, flush };
}

function fileLines(output: Output, { file, statements, attempts, tookMs, locks }: AppliedFile): readonly string[] {
  const again = attempts > 1 ? `   ${attempts} attempts` : '';
  const line = `  ${file.padEnd(56)} ${count(statements, 'statement').padStart(13)}   ${formatDuration(tookMs)}${again}`;
  return [line, ...heldLines(output, locks)];
}

function heldLines(output: Output, locks: AppliedFile['locks']): readonly string[] {
  const held = describeHeldLocks(locks);
  return held === undefined ? [] : [output.style('dim', `    held ${held}`)];
}

function report(output: Output, result: MigrateUpResult, cluster: string, tookMs: number): void {
  const { database, versioned, routines, routineLocks, restorePoint, warnings, preflight, runId } = result;
  for (const { name, change } of routines) output.line(`  routine ${name.padEnd(48)} ${change.padStart(13)}`);
  for (const line of heldLines(output, routineLocks)) output.line(line);
  for (const warning of warnings) output.warn(warning);
  if (runId === undefined) output.line(`${database} on ${cluster} is up to date`);
  else {
    output.line(
      `${count(versioned.length, 'file')} and ${count(routines.length, 'routine')} applied to ${database} on ${cluster} in ${formatDuration(tookMs)}`,
    );
    if (restorePoint !== undefined) {
      const { name, lsn, timeline, archived, repositories } = restorePoint;
      const from = archived === undefined ? '' : archived ? `, recoverable from ${repositories.join(' and ')}` : ', not recoverable yet';
      output.line(`the moment before is restore point ${name}, ${lsn} on timeline ${timeline}${from}`);
    }
  }
  const point = restorePoint === undefined ? null : { ...restorePoint, archived: restorePoint.archived ?? null };
  const said = [...preflight, ...warnings];
  output.result({ database, runId: runId ?? null, versioned, routines, routineLocks, restorePoint: point, warnings: said });
}
