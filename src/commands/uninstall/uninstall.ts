import { DbadminError } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { applyUninstall } from '../../uninstall/apply.ts';
import { inspectTraces } from '../../uninstall/inspect.ts';
import { planUninstall, type UninstallPlan } from '../../uninstall/plan.ts';
import { flagOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { confirmOrStop } from '../output.ts';

const EXIT_PENDING = 2;

/** `dbadmin uninstall`: inspects, plans, shows, asks, drops. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const scope = { slot: cluster.slot, historySchema: config.migrate.schema, jobsSchema: config.control.schema };
  const found = planUninstall(await inspectTraces(cluster.connection, scope));
  const plan = { ...found, left: [...found.left, ...controlElsewhere(config, cluster)] };
  show(context, plan, `${cluster.name} (${describeParameters(cluster.connection)})`);
  if (flagOption(input, 'plan') || plan.steps.length === 0) {
    output.result({ ...plan, done: 0 });
    return plan.steps.length === 0 ? 0 : EXIT_PENDING;
  }
  if (plan.blockers.length > 0)
    throw new DbadminError('refused', 'dbadmin is still at work on the cluster', {
      detail: `${plan.blockers.join('.\n')}.`,
      hint: 'End it, then run dbadmin uninstall again.',
    });
  await confirmOrStop(output, `Drop these from ${cluster.name}?`);
  const done = await applyUninstall(cluster.connection, plan);
  output.line(`${done.length} dropped: nothing of dbadmin is left in ${cluster.name} but what is named above`);
  output.result({ ...plan, done: done.length });
  return 0;
}

/** Records of jobs on another server, which this looks at as little as at any other. */
function controlElsewhere({ control }: Config, cluster: ClusterConfig): readonly string[] {
  const placesOf = ({ hosts }: ConnectionParameters): string => hosts.map(({ host, port }) => `${host}:${port}`).join();
  if (placesOf(control.connection) === placesOf(cluster.connection)) return [];
  const schema = quoteIdentifier(control.schema);
  return [
    `schema ${control.schema} in the control database, ${describeParameters(control.connection)}: what ran, what is paused, what was told; when nobody uses it any more, there: DROP SCHEMA ${schema} CASCADE`,
  ];
}

function show({ output }: CommandContext, { steps, left, blockers }: UninstallPlan, where: string): void {
  output.line(steps.length === 0 ? `nothing of dbadmin in ${where}` : `would be dropped from ${where}:`);
  for (const { what } of steps) output.line(`  ${output.style('bad', '-')} ${what}`);
  output.line('stays:');
  for (const each of left) output.line(`  = ${each}`);
  for (const each of blockers) output.line(`  ${output.style('warn', '!')} ${each}`);
}
