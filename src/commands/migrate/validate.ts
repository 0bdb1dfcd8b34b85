import { EMPTY_HISTORY } from '../../migrate/history/history.ts';
import { readFiles, type FoundFiles } from '../../migrate/inspect.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { planMigrations, STRICT } from '../../migrate/plan.ts';
import type { DbadminError } from '../../base/errors.ts';
import { joinProblems } from '../../migrate/files/problems.ts';
import { checkLock, writeLock } from '../../migrate/schema/lock-file-apply.ts';
import { lockShown } from '../../migrate/schema/lock-file.ts';
import { flagOption, type CommandContext, type CommandInput } from '../command.ts';
import { count, inspectAndPlan, loadMigrations, policyOf, type MigrateProject } from './load-migrations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const project = await loadMigrations(context, input);
  const offline = flagOption(input, 'offline');
  // Against an empty history every file is pending, so every file is parsed.
  const files = await readFiles(project.directories);
  const observed = { ...files, fileProblems: files.problems, history: EMPTY_HISTORY, storedBodies: new Map() };
  const alone = planMigrations(observed, STRICT, await loadSqlParser(), clock.now());
  const compared = offline ? undefined : (await inspectAndPlan(context, project, policyOf(input))).plan;
  const known = new Set(alone.problems.map(({ message }) => message));
  const lock = flagOption(input, 'writeLock') ? await rewriteLock(context, project, files) : await checkLock(project.directories, files);
  const problems = [...(lock ?? []), ...alone.problems, ...(compared?.problems ?? []).filter(({ message }) => !known.has(message))];
  if (problems.length > 0) throw joinProblems(problems, `${problems.length} problems with migrations`);
  const warnings = [...(lock === undefined ? [unlocked(project)] : []), ...(compared ?? alone).warnings];
  for (const warning of warnings) output.warn(warning);
  output.line(
    `${count(files.migrations.length, 'migration')} and ${count(files.routines.length, 'routine')} are sound${offline ? ' (the history was not compared)' : ' and agree with the history'}`,
  );
  output.result({ migrations: files.migrations.length, routines: files.routines.length, database: !offline, warnings });
  return 0;
}

async function rewriteLock(
  { output }: CommandContext,
  { directories }: MigrateProject,
  files: FoundFiles,
): Promise<readonly DbadminError[]> {
  const changed = await writeLock(directories, files);
  output.note(`${lockShown(directories)} ${changed ? 'written' : 'is right as it is'}`);
  return [];
}

function unlocked({ directories }: MigrateProject): string {
  return `there is no ${lockShown(directories)}: dbadmin migrate validate --write-lock makes it`;
}
