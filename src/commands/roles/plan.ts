import { flagOption, type CommandContext, type CommandInput } from '../command.ts';
import { inspectAndPlan, loadRoles } from './load-roles.ts';
import { planJson, planScript, showPlan, showUnmanaged, summaryText } from './show-plan.ts';

const EXIT_DRIFT = 2;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const project = await loadRoles(context, input);
  const inspected = await inspectAndPlan(context, project);
  const isInSync = inspected.plan.changes.length === 0;
  if (output.json) output.result(planJson(project, inspected));
  else if (flagOption(input, 'sql')) output.raw(planScript(project, inspected));
  else {
    showPlan(output, project, inspected);
    const hints = [flagOption(input, 'unmanaged') ? '' : ' (--unmanaged)', isInSync ? '' : '. Apply with: dbadmin roles apply'];
    output.line(`${summaryText(inspected.plan)}${hints.join('')}`);
    if (flagOption(input, 'unmanaged')) showUnmanaged(output, inspected.plan);
  }
  return isInSync ? 0 : EXIT_DRIFT;
}
