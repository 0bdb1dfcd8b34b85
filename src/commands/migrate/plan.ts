import { countChanges } from '../../migrate/diff.ts';
import { joinProblems } from '../../migrate/problems.ts';
import type { PendingMigration } from '../../migrate/plan.ts';
import { restorePointName, restorePointObstacle } from '../../migrate/restore-point.ts';
import { flagOption, type CommandContext, type CommandInput } from '../command.ts';
import type { Output } from '../output.ts';
import { count, inspectAndPlan, loadMigrations, policyOf } from './load-migrations.ts';

const EXIT_PENDING = 2;
const TEXT_WIDTH = 100;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const project = await loadMigrations(context, input);
  const { plan, server } = await inspectAndPlan(context, project, policyOf(input));
  if (plan.problems.length > 0) throw joinProblems(plan.problems, `${plan.problems.length} problems with migrations; up would refuse`);
  const { versioned, routines, warnings } = plan;
  for (const warning of warnings) output.warn(warning);
  const pending = versioned.length + routines.length > 0;
  const files = [count(versioned.length, 'versioned file'), count(routines.length, 'routine')].join(' and ');
  output.line(
    pending
      ? `${files} to apply to ${server.database} on ${project.cluster.name}`
      : `${server.database} on ${project.cluster.name} is up to date`,
  );
  for (const migration of versioned) showMigration(output, migration);
  if (routines.length > 0) output.line();
  for (const { name, change, diff } of routines) {
    const more = change === 'changed' && !flagOption(input, 'diff') ? ' (--diff)' : '';
    output.line(`routine ${name}   ${change}${diff.length > 0 ? `, ${count(countChanges(diff), 'line')}${more}` : ''}`);
    if (flagOption(input, 'diff')) for (const line of diff) output.line(`    ${line}`);
  }
  const obstacle = server.isStandby ? 'this is a standby: migrate the primary' : restorePointObstacle(server);
  const name = restorePointName(clock.now(), versioned[0]?.name.version);
  if (pending) {
    output.line();
    output.line(obstacle ?? `restore point ${name} will be set first.`);
    output.line('Apply with: dbadmin migrate');
  }
  output.result({
    database: server.database,
    versioned: versioned.map(migrationJson),
    routines: routines.map((each) => ({ name: each.name, change: each.change, diff: each.diff })),
    restorePoint: pending ? (obstacle === undefined ? { name } : { obstacle }) : null,
    warnings,
  });
  return pending ? EXIT_PENDING : 0;
}

function showMigration(output: Output, { name, parsed, finished }: PendingMigration): void {
  output.line();
  output.line(`${name.file}${parsed.directives.transaction ? '' : '   no-transaction'}`);
  for (const { number, line, kind, text } of parsed.statements) {
    const what = kind.object === undefined ? oneLine(text) : `${kind.command}  ${kind.object}`;
    output.line(
      `${String(number).padStart(3)}  ${what.padEnd(60)}  line ${line}${finished.has(number) ? '   done by an interrupted run' : ''}`,
    );
  }
}

function migrationJson({ name, parsed, finished }: PendingMigration): Record<string, unknown> {
  const statements = parsed.statements.map(({ number, line, kind, text }) => {
    const done = finished.has(number);
    return { number, line, command: kind.command, object: kind.object ?? null, text: text.slice(0, 10_000), done };
  });
  return { version: name.version, file: name.file, transaction: parsed.directives.transaction, statements };
}

function oneLine(text: string): string {
  const line = text.slice(0, TEXT_WIDTH * 4).replaceAll(/\s+/g, ' ');
  return line.length > TEXT_WIDTH ? `${line.slice(0, TEXT_WIDTH - 1)}…` : line;
}
