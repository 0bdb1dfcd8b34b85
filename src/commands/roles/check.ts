import { describeChange } from '../../roles/describe.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { inspectAndPlan, loadRoles } from './load-roles.ts';
import { planJson, summaryText } from './show-plan.ts';

const EXIT_DRIFT = 2;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const project = await loadRoles(context, input);
  const inspected = await inspectAndPlan(context, project);
  const { changes, notes } = inspected.plan;
  for (const change of changes) {
    const { risk, subject, sign, text, remark } = describeChange(change);
    output.line(`${risk.padEnd(7)} ${subject} ${sign} ${text}${remark === '' ? '' : `   ${remark}`}`);
  }
  for (const note of notes) output.warn(note);
  output.line(summaryText(inspected.plan));
  output.result(planJson(project, inspected));
  return changes.length === 0 ? 0 : EXIT_DRIFT;
}
