import { formatDuration, parseDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import type { AppliedFile } from '../../migrate/file-run.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { DEFAULT_RETRY } from '../../migrate/session/retry.ts';
import { lossesOf } from '../../migrate/undo/losses.ts';
import type { UndoExtent, UndoStep } from '../../migrate/undo/plan.ts';
import { checkUndo, inspectUndo, migrateDown, type InspectedUndo, type MigrateDownResult } from '../../migrate/undo/run.ts';
import { durationOption, flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { confirmOrStop, type Output } from '../output.ts';
import { awaitRecoverable } from './await-recoverable.ts';
import { gitCommit } from './git-commit.ts';
import { count, loadMigrations, withSession, type MigrateProject } from './load-migrations.ts';
import { recordMigrations, type RecordedFile } from './record-migrations.ts';
import { refreshFiles } from './refresh-files.ts';
import { runRepositories } from './run-repositories.ts';
import { activityLine } from './show-activity.ts';
import { describeLoss } from './show-loss.ts';

const TEXT_WIDTH = 90;

/** `down` and `redo`: look, show, ask, undo; with `again`, apply the same files anew. */
export async function runUndo(context: CommandContext, input: CommandInput, again: boolean): Promise<number> {
  const project = await loadMigrations(context, input);
  const extent = extentOf(input);
  const inspected = await withSession(context, project, async (session) => {
    const { config, directories } = project;
    const looking = { schema: config.migrate.schema, directories, extent, again, clock: context.clock };
    return await inspectUndo(session, looking, await loadSqlParser());
  });
  checkUndo(inspected, undefined);
  context.output.result(await showAndUndo(context, input, project, extent, inspected, again));
  return 0;
}

/** Shows what would be undone, asks, and undoes it. Gives what `--json` prints. */
export async function showAndUndo(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  extent: UndoExtent,
  inspected: InspectedUndo,
  again: boolean,
): Promise<Record<string, unknown>> {
  const { output, clock } = context;
  const { steps } = inspected.plan;
  for (const warning of inspected.plan.warnings) output.warn(warning);
  const place = `${inspected.server.database} on ${project.cluster.name}`;
  showUndo(output, inspected, place, again);
  if (steps.length === 0 || flagOption(input, 'dryRun')) return { ...undoJson(inspected), done: null };
  await confirmOrStop(output, `${again ? 'Undo and apply again' : 'Undo'} ${count(steps.length, 'version')}?`);
  const startedMs = clock.now().getTime();
  const done = await carryOut(context, input, project, extent, inspected, again);
  // Those of the plan were said before.
  for (const warning of done.warnings.slice(inspected.plan.warnings.length)) output.warn(warning);
  report(output, done, place, clock.now().getTime() - startedMs);
  const { runId, undone, applied, restorePoint } = done;
  const point = restorePoint === undefined ? null : { ...restorePoint, archived: restorePoint.archived ?? null };
  return { ...undoJson(inspected), done: { runId, undone, applied, restorePoint: point } };
}

async function carryOut(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  extent: UndoExtent,
  { plan }: InspectedUndo,
  again: boolean,
): Promise<MigrateDownResult> {
  const { output, clock, log, signal } = context;
  const { config, cluster, directories } = project;
  const show = (what: string) => (file: AppliedFile) => {
    const attempts = file.attempts > 1 ? `   ${file.attempts} attempts` : '';
    output.line(
      `  ${what} ${file.file.padEnd(56)} ${count(file.statements, 'statement').padStart(13)}   ${formatDuration(file.tookMs)}${attempts}`,
    );
  };
  const repositories = runRepositories(context, input, project);
  const recorded: RecordedFile[] = [];
  const seen = (what: string, deed: 'migration-applied' | 'migration-undone') => (file: AppliedFile) => {
    recorded.push({ version: file.version, file: file.file, deed });
    show(what)(file);
  };
  try {
    return await migrateDown({
      connection: cluster.connection,
      schema: config.migrate.schema,
      lockTimeoutMs: config.migrate.lockTimeoutMs,
      directories,
      toolVersion: context.version,
      gitCommit: async () => await gitCommit(directories.project),
      retry: DEFAULT_RETRY,
      waitMs: durationOption(input, 'lockWait') ?? parseDuration('5m'),
      wantsRestorePoint: input.options['restorePoint'] !== false,
      awaitArchived: async (point) => await awaitRecoverable(context, repositories, point),
      afterRun: refreshFiles(context, input, project),
      onActivity: activityLine(output),
      clock,
      random: Math.random,
      log,
      signal,
      extent,
      again,
      agreed: plan.steps.map(({ name }) => name.version),
      onUndone: seen('undone ', 'migration-undone'),
      onApplied: seen('applied', 'migration-applied'),
    });
  } finally {
    await recordMigrations(context, repositories, cluster.connection.database, recorded);
    await repositories.close();
  }
}

function extentOf(input: CommandInput): UndoExtent {
  const version = textOption(input, 'to');
  const [number] = input.args;
  if (version !== undefined && number !== undefined)
    throw new DbadminError('usage', 'how many to undo and the version to go back to are two answers to one question', {
      hint: 'Give one of them.',
    });
  if (version !== undefined) return { kind: 'after', version: versionOf(version) };
  const wanted = Number(number ?? '1');
  if (Number.isInteger(wanted) && wanted > 0 && wanted < 1_000_000) return { kind: 'newest', count: wanted };
  throw new DbadminError('usage', `"${number}" is not a number of versions`, { hint: 'To go back to a version: --to VERSION.' });
}

/** A version as typed: digits, or the file's name. */
export function versionOf(text: string): string {
  const version = /^(\d{8}T\d{6}|\d{1,17})(_.*)?$/.exec(text)?.[1];
  if (version !== undefined) return version;
  throw new DbadminError('usage', `"${text}" is not a version`, { hint: 'A version is what a file name begins with: 20261121T093000.' });
}

function showUndo(output: Output, { plan, stays, again }: InspectedUndo, place: string, redoes: boolean): void {
  const what = redoes ? 'to undo and apply again' : 'to undo';
  output.line(
    plan.steps.length === 0 ? `nothing ${what} in ${place}` : `${count(plan.steps.length, 'version')} ${what} in ${place}, newest first`,
  );
  for (const step of plan.steps) showStep(output, step);
  output.line();
  if (again.length > 0) output.line(`then applied again: ${again.map(({ name }) => name.file).join(', ')}`);
  else output.line(stays === '0' ? 'nothing stays applied' : `${stays} stays the newest`);
}

function showStep(output: Output, { name, file, parsed, finished }: UndoStep): void {
  output.line();
  output.line(`${name.file}${parsed.directives.transaction ? '' : '   no-transaction'}`);
  if (parsed.statements.length === 0) output.line('     (its down section is empty: only the history changes)');
  for (const statement of parsed.statements) {
    const { number, line, kind, text } = statement;
    const what = kind.object === undefined ? oneLine(text) : `${kind.command}  ${kind.object}`;
    const done = finished.has(number) ? '   done by an interrupted run' : '';
    output.line(`${String(number).padStart(3)}  ${what.padEnd(60)}  ${file.path.endsWith(')') ? 'applied line' : 'line'} ${line}${done}`);
    for (const loss of lossesOf([[statement]], ['public'])) output.line(`     takes ${describeLoss(loss)}`);
  }
}

function report(output: Output, done: MigrateDownResult, place: string, tookMs: number): void {
  const { undone, applied, restorePoint } = done;
  const also = applied.length === 0 ? '' : ` and ${count(applied.length, 'file')} applied again`;
  output.line(`${count(undone.length, 'version')} undone${also} in ${place} in ${formatDuration(tookMs)}`);
  if (restorePoint !== undefined)
    output.line(`the moment before is restore point ${restorePoint.name}, ${restorePoint.lsn} on timeline ${restorePoint.timeline}`);
}

function undoJson({ server, plan, stays, again }: InspectedUndo): Record<string, unknown> {
  const versions = plan.steps.map(({ name, parsed, finished }) => ({
    version: name.version,
    file: name.file,
    transaction: parsed.directives.transaction,
    statements: parsed.statements.map(({ number, line, kind, text }) => {
      return { number, line, command: kind.command, object: kind.object ?? null, text: text.slice(0, 10_000), done: finished.has(number) };
    }),
  }));
  return { database: server.database, versions, again: again.map(({ name }) => name.version), stays, warnings: plan.warnings };
}

function oneLine(text: string): string {
  const line = text.slice(0, TEXT_WIDTH * 4).replaceAll(/\s+/g, ' ');
  return line.length > TEXT_WIDTH ? `${line.slice(0, TEXT_WIDTH - 1)}…` : line;
}
