import { randomBytes } from 'node:crypto';
import { formatDuration, parseDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { applyRoles } from '../../roles/apply.ts';
import { countRisks, describeChange } from '../../roles/describe.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { confirmOrStop } from '../output.ts';
import { inspectAndPlan, loadRoles } from './load-roles.ts';
import { planJson, showPlan, summaryText } from './show-plan.ts';

const WAIT_FOR_OTHERS_MS = 30_000;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const project = await loadRoles(context, input);
  const inspected = await inspectAndPlan(context, project);
  const { plan } = inspected;
  showPlan(output, project, inspected);
  output.line(summaryText(plan));
  let [transactions, startedMs] = [0, clock.now().getTime()];
  if (plan.changes.length > 0) {
    refuseDrops(countRisks(plan.changes.map(describeChange)).destroy, flagOption(input, 'allowDrop'));
    await confirmOrStop(
      output,
      `Make ${plan.changes.length === 1 ? 'this change' : `these ${plan.changes.length} changes`} to ${project.clusterName}?`,
    );
    startedMs = clock.now().getTime();
    transactions = await applyRoles(project.document, plan, {
      connection: project.connection,
      sources: project.sources,
      clock,
      log,
      signal,
      randomBytes,
      lockTimeoutMs: parseDuration(textOption(input, 'lockTimeout') ?? '5s'),
      waitMs: WAIT_FOR_OTHERS_MS,
    });
  }
  const tookMs = clock.now().getTime() - startedMs;
  if (plan.changes.length > 0) output.line(`${plan.changes.length} applied in ${formatDuration(tookMs)}; looked again: in sync`);
  output.result({ ...planJson(project, inspected), applied: plan.changes.length, transactions, tookMs });
  return 0;
}

function refuseDrops(count: number, isAllowed: boolean): void {
  if (count === 0 || isAllowed) return;
  throw new DbadminError('refused', `the plan has ${count} destructive changes`, { hint: 'Look at them, then give --allow-drop.' });
}
