import path from 'node:path';
import { writePlanFile } from '../../base/plan-file.ts';
import { shellWord } from '../../base/shell-word.ts';
import { brokenText } from '../../roles/access/guard.ts';
import { formatSavedPlan, savePlan, type SavedPlan } from '../../roles/saved-plan.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { inspectGuard } from './guard-plan.ts';
import { givenOptions } from '../given-options.ts';
import { inspectAndPlan, loadRoles, refuseBesideSavedPlan, type InspectedPlan, type RolesProject } from './load-roles.ts';
import { planJson, planScript, showLacks, showPlan, showUnmanaged, summaryText } from './show-plan.ts';

const EXIT_DRIFT = 2;

/** `dbadmin roles plan`: what must change; with --out, kept for an apply that makes exactly that. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  if (textOption(input, 'out') !== undefined) refuseBesideSavedPlan(input);
  const project = await loadRoles(context, input);
  const inspected = await inspectAndPlan(context, project, textOption(input, 'as'));
  const guard = await inspectGuard(project, inspected.plan);
  const saved = await save(context, input, project, inspected);
  const isInSync = inspected.plan.changes.length === 0;
  const broken = guard.broken.map((each) => brokenText(project.document.file, each));
  if (output.json) output.result({ ...planJson(project, inspected), never: broken, plan: saved?.sha256 ?? null });
  else if (flagOption(input, 'sql')) output.raw(planScript(project, inspected));
  else {
    showPlan(output, project, inspected);
    for (const line of broken) output.warn(line);
    showLacks(output, inspected);
    const out = textOption(input, 'out');
    const options = givenOptions(input, out === undefined ? ['config', 'cluster', 'file', 'mode', 'only'] : ['config', 'cluster', 'file']);
    const how = ['dbadmin roles apply', ...(out === undefined ? [] : [shellWord(out)]), ...options].join(' ');
    const isForOthers = isInSync || inspected.observed.cluster.isStandby;
    const hints = [flagOption(input, 'unmanaged') ? '' : ' (--unmanaged)', isForOthers ? '' : `. Apply with: ${how}`];
    output.line(`${summaryText(inspected.plan)}${hints.join('')}`);
    if (saved !== undefined) output.line(`saved as ${out ?? ''}: plan ${saved.sha256.slice(0, 16)} for ${saved.role}`);
    if (flagOption(input, 'unmanaged')) showUnmanaged(output, inspected.plan);
  }
  return isInSync ? 0 : EXIT_DRIFT;
}

async function save(
  { clock, cwd, version }: CommandContext,
  input: CommandInput,
  project: RolesProject,
  { document, plan, observed }: InspectedPlan,
): Promise<SavedPlan | undefined> {
  const out = textOption(input, 'out');
  if (out === undefined) return undefined;
  const grounds = { document, file: project.file, observed, plan };
  const saved = savePlan(grounds, { at: clock.now(), tool: `dbadmin ${version}`, cluster: project.clusterName });
  await writePlanFile(path.resolve(cwd, out), formatSavedPlan(saved));
  return saved;
}
