import { DbadminError } from '../../base/errors.ts';
import { describeState, type MigrationState } from '../../migrate/state.ts';
import { readHistory, readStoredBody } from '../../migrate/inspect.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import type { Output } from '../output.ts';
import { STRICT } from '../../migrate/plan.ts';
import { count, inspectAndPlan, loadMigrations, problemJson, withSession, type MigrateProject } from './load-migrations.ts';

const EXIT_PENDING = 2;
const LAST_APPLIED = 5;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const project = await loadMigrations(context, input);
  const version = textOption(input, 'body');
  if (version !== undefined) return await printBody(context, project, version);
  const { observed, plan, server } = await inspectAndPlan(context, project, STRICT);
  const state = describeState(observed, plan);
  const { counts } = state;
  output.line(`${server.database} on ${project.cluster.name} (PostgreSQL ${server.version}${server.isStandby ? ', standby' : ''})`);
  output.line(
    `  ${count(counts.applied, 'migration')} applied, ${counts.pending} pending${disagreements(counts)}; ${count(counts.routines, 'routine')} to apply`,
  );
  showMigrations(output, state.migrations, flagOption(input, 'all'));
  for (const { name, state: routine } of state.routines) if (routine !== 'applied') output.line(`  routine ${name}   ${routine}`);
  for (const warning of plan.warnings) output.warn(warning);
  for (const problem of plan.problems) {
    output.line();
    output.line(`${output.style('bad', 'problem:')} ${problem.message}`);
    for (const line of (problem.detail ?? '').split('\n')) if (line !== '') output.line(`  ${line}`);
    for (const line of (problem.hint ?? '').split('\n')) if (line !== '') output.line(`  ${output.style('dim', 'hint:')} ${line}`);
  }
  const { migrations, routines } = state;
  output.result({
    database: server.database,
    migrations,
    routines,
    counts,
    problems: plan.problems.map(problemJson),
    warnings: plan.warnings,
  });
  const clean = counts.pending + counts.changed + counts.missing + counts.routines + plan.problems.length === 0;
  return clean || !flagOption(input, 'exitCode') ? 0 : EXIT_PENDING;
}

function disagreements({ changed, missing }: { readonly changed: number; readonly missing: number }): string {
  return `${changed > 0 ? `, ${changed} changed since` : ''}${missing > 0 ? `, ${missing} missing` : ''}`;
}

function showMigrations(output: Output, migrations: readonly MigrationState[], all: boolean): void {
  const applied = migrations.filter(({ state }) => state === 'applied');
  const hidden = new Set(all ? [] : applied.slice(0, Math.max(0, applied.length - LAST_APPLIED)));
  const rows = migrations
    .filter((each) => !hidden.has(each))
    .map(({ file, state, appliedAt, appliedBy }) => [
      `  ${file}`,
      state,
      appliedAt?.toISOString().slice(0, 19).replace('T', ' ') ?? '',
      appliedBy ?? '',
    ]);
  if (hidden.size > 0) output.line(`  … ${count(hidden.size, 'applied file')} before (--all)`);
  if (rows.length > 0) output.table(['  migration', 'state', 'applied (UTC)', 'by'], rows);
}

async function printBody(context: CommandContext, project: MigrateProject, version: string): Promise<number> {
  const body = await withSession(context, project, async (session) => {
    const { schema } = project.config.migrate;
    const row = (await readHistory(session, schema)).applied.get(version);
    return row === undefined ? undefined : await readStoredBody(session, schema, row.seq);
  });
  if (body === undefined)
    throw new DbadminError('usage', `version ${version} is not applied here`, { hint: 'See dbadmin migrate status --all.' });
  context.output.raw(body);
  return 0;
}
