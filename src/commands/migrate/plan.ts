import path from 'node:path';
import { formatSavedPlan } from '../../migrate/saved-plan/format.ts';
import { writeSavedPlan } from '../../migrate/saved-plan/inspect.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { gatherPlan } from './gather-plan.ts';
import { count, loadMigrations } from './load-migrations.ts';
import { planJson, showPlan } from './show-plan.ts';

const EXIT_PENDING = 2;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const project = await loadMigrations(context, input);
  const full = await gatherPlan(context, input, project);
  const { plan, server, state } = full;
  const isPending = plan.versioned.length + plan.routines.length > 0;
  for (const warning of plan.warnings) output.warn(warning);
  if (isPending) {
    output.line(
      `${count(plan.versioned.length, 'versioned file')} and ${count(plan.routines.length, 'routine')} to apply to ${server.database} on ${project.cluster.name}`,
    );
    showPlan(output, full, { diff: flagOption(input, 'diff'), now: clock.now() });
  } else output.line(`${server.database} on ${project.cluster.name} is up to date`);
  const out = textOption(input, 'out');
  if (out !== undefined) {
    const made = { at: clock.now(), tool: context.version, cluster: project.cluster.name };
    await writeSavedPlan(path.resolve(context.cwd, out), formatSavedPlan(state, made));
    output.line(`saved in ${out}: dbadmin migrate up --plan ${out} applies this or nothing`);
  }
  output.result(planJson(full, { out, now: clock.now() }));
  return isPending ? EXIT_PENDING : 0;
}
