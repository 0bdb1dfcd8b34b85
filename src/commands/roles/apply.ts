import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { formatDuration, parseDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { readPlanFile } from '../../base/plan-file.ts';
import { refuseBroken } from '../../roles/access/guard.ts';
import { applyRoles } from '../../roles/apply.ts';
import type { Change } from '../../roles/change.ts';
import { refuseStandby } from '../../roles/apply-writable.ts';
import { countRisks, describeChange } from '../../roles/describe.ts';
import { planRoles } from '../../roles/plan.ts';
import { keepingRoles } from '../../roles/retirement.ts';
import { asSaved, parseSavedPlan, refuseStaleSavedPlan, type SavedPlan } from '../../roles/saved-plan.ts';
import { durationOption, flagOption, type CommandContext, type CommandInput } from '../command.ts';
import { confirmOrStop } from '../output.ts';
import { inspectGuard } from './guard-plan.ts';
import { inspectAndPlan, loadRoles, refuseBesideSavedPlan, type InspectedPlan, type RolesProject } from './load-roles.ts';
import { recordDeeds } from './record-deeds.ts';
import { planJson, showLacks, showPlan, summaryText } from './show-plan.ts';

/** `dbadmin roles apply [plan]`: show, refuse what must not be, ask, make, look again, write down. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const [file] = input.args;
  if (file !== undefined) refuseBesideSavedPlan(input);
  const project = await load(context, input, file);
  const saved = file === undefined ? undefined : await readPlan(path.resolve(context.cwd, file));
  const inspected = await inspect(context, project, saved);
  const { plan } = inspected;
  showPlan(output, project, inspected);
  output.line(summaryText(plan));
  let [transactions, startedMs] = [0, clock.now().getTime()];
  if (plan.changes.length > 0) {
    refuseStandby(inspected.observed.cluster.isStandby);
    refuseDrops(countRisks(plan.changes.map(describeChange)).destroy, flagOption(input, 'allowDrop'));
    refuseBroken(project.document.file, await inspectGuard(project, plan));
    const changes = plan.changes.length === 1 ? 'this change' : `these ${plan.changes.length} changes`;
    await confirmOrStop(output, `Make ${changes} to ${project.clusterName}?`);
    startedMs = clock.now().getTime();
    const made: Change[] = [];
    const onMade = (done: readonly Change[]): void => void made.push(...done);
    try {
      transactions = await applyRoles(inspected.document, plan, { ...applyOptions(context, input, project, saved), onMade });
    } finally {
      // Also after a failure: what was made before it stays, and the next plan does not have it any more.
      await recordDeeds(context, project, inspected, made);
    }
  }
  const tookMs = clock.now().getTime() - startedMs;
  if (plan.changes.length > 0) output.line(`${plan.changes.length} applied in ${formatDuration(tookMs)}; looked again: in sync`);
  else showLacks(output, inspected);
  output.result({ ...planJson(project, inspected), applied: plan.changes.length, transactions, tookMs });
  return 0;
}

/** The file, without its drops where roles are to be kept. */
async function load(context: CommandContext, input: CommandInput, saved: string | undefined): Promise<RolesProject> {
  const project = await loadRoles(context, input);
  if (!flagOption(input, 'keepRoles')) return project;
  if (saved !== undefined) throw new DbadminError('usage', '--keep-roles does not go with a saved plan: it is applied whole or not at all');
  return { ...project, document: keepingRoles(project.document) };
}

/** The plan as it is now; of a saved one, only when it is the same. */
async function inspect(context: CommandContext, project: RolesProject, saved: SavedPlan | undefined): Promise<InspectedPlan> {
  const inspected = await inspectAndPlan(context, project);
  if (saved === undefined) return inspected;
  const observed = asSaved(inspected.observed, saved);
  const { document } = inspected;
  const plan = planRoles(document, observed, context.clock.now());
  refuseStaleSavedPlan(saved, { document, file: project.file, observed, plan });
  return { ...inspected, observed, plan };
}

function applyOptions(
  { clock, log, signal, env, version }: CommandContext,
  input: CommandInput,
  { connection, sources, file }: RolesProject,
  saved: SavedPlan | undefined,
): Parameters<typeof applyRoles>[2] {
  return {
    connection,
    sources,
    clock,
    log,
    signal,
    randomBytes,
    lockTimeoutMs: durationOption(input, 'lockTimeout') ?? parseDuration('5s'),
    waitMs: durationOption(input, 'lockWait') ?? parseDuration('30s'),
    triesWithoutRights: flagOption(input, 'tryAnyway'),
    author: { by: `${env['USER'] ?? 'dbadmin'}@${os.hostname()}`, tool: `dbadmin ${version}`, file: file.name, planSha256: saved?.sha256 },
    ...(saved === undefined ? {} : { saved: { plan: saved, file } }),
  };
}

function refuseDrops(count: number, isAllowed: boolean): void {
  if (count === 0 || isAllowed) return;
  throw new DbadminError('refused', `the plan has ${count} destructive change${count === 1 ? '' : 's'}`, {
    hint: 'Look at what would go, then give --allow-drop; or make all other changes with --keep-roles.',
  });
}

async function readPlan(file: string): Promise<SavedPlan> {
  return parseSavedPlan(await readPlanFile(file), file);
}
