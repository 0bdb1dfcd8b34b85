import { applyAdoption } from '../../backup/adopt/apply.ts';
import { inspectKnown, inspectRunning, isUnknown, type KnownLineage, type RunningCluster } from '../../backup/adopt/inspect.ts';
import { planAdoption, type AdoptPlan, type AdoptStep } from '../../backup/adopt/plan.ts';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import type { NamedRepository } from '../../backup/take/destination.ts';
import { takeBackup } from '../../backup/take/run.ts';
import { DbadminError, reasonOf } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { ClusterConfig } from '../../config/config.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { inEachRepository } from '../each-repository.ts';
import { loadProject } from '../load-project.ts';
import { isSound, showOutcome } from '../backup/show-backup.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { confirmOrStop } from '../output.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const repositories: NamedRepository[] = [];
  try {
    const selected = selectRepositories(config, cluster, textOption(input, 'repository'));
    const outcomes = await inEachRepository(
      context,
      selected,
      (name) => `${name} is left out`,
      async (each) => repositories.push({ name: each.name, repository: await openRepository(context, each) }),
    );
    const away = outcomes.flatMap((each) => (each.kind === 'failed' ? [{ name: each.name, reason: reasonOf(each.error) }] : []));
    const running = await inspectRunning(cluster.replication, cluster.connection, cluster.slot);
    const known: KnownLineage[] = [];
    for (const found of await inspectAll(repositories, cluster.name, running)) {
      if ('why' in found) away.push({ name: found.name, reason: found.why });
      else known.push(found);
    }
    const plan = planAdoption(running, known, cluster.slot, away);
    const { timeline, systemIdentifier } = running;
    output.line(`${cluster.name} runs on timeline ${timeline}, system identifier ${systemIdentifier}`);
    for (const { state, text } of plan.steps) output.line(`  ${state.padEnd(8)} ${text}`);
    const toDo = plan.steps.filter(({ state }) => state === 'to-do');
    if (toDo.length === 0 || flagOption(input, 'dryRun')) {
      output.result({ timeline, systemIdentifier, steps: plan.steps });
      return away.length > 0 && !flagOption(input, 'dryRun') ? IN_PART : 0;
    }
    await confirmOrStop(output, `Take ${toDo.length === 1 ? 'this step' : `these ${toDo.length} steps`}?`);
    const first = repositories.find(({ name }) => known.some((each) => each.name === name));
    if (first === undefined) throw new DbadminError('internal', 'no repository was opened');
    const { walSegmentBytes } = (await inspectLineage(first.repository, cluster.name, systemIdentifier)).cluster;
    await applyAdoption({ plan, running, replication: cluster.replication, slot: cluster.slot, repositories, walSegmentBytes });
    const lacking = plan.lacksBackup.length === 0 ? [] : await takeFirst(context, cluster, repositories, plan);
    if (lacking.length > 0)
      output.warn(`adopted but for its first backup: nothing in ${lacking.join(', ')} can be relied on to restore timeline ${timeline}`);
    else
      output.line(`adopted; ${plan.steps.some(({ state }) => state === 'by-hand') ? 'what is left by hand is above' : 'nothing is left'}`);
    const isLeft = ({ step, state }: AdoptStep): boolean => state !== 'to-do' || (step === 'backup' && lacking.length > 0);
    output.result({ timeline, systemIdentifier, steps: plan.steps.map((each) => (isLeft(each) ? each : { ...each, state: 'made' })) });
    return lacking.length > 0 || away.length > 0 ? IN_PART : 0;
  } finally {
    for (const { repository } of repositories) await repository.store.close();
  }
}

/**
 * What each repository has of the cluster, or why nothing is done in it: one that was lost with the host and made anew is empty until it is
 * filled, which may take hours, and the others have what there is to go on with.
 *
 * @throws {DbadminError} `refused` when none has anything of it.
 */
async function inspectAll(
  repositories: readonly NamedRepository[],
  clusterName: string,
  running: RunningCluster,
): Promise<readonly (KnownLineage | { readonly name: string; readonly why: string })[]> {
  const found: (KnownLineage | { readonly name: string; readonly why: string })[] = [];
  let refused: DbadminError | undefined;
  for (const each of repositories) {
    try {
      found.push(await inspectKnown(each, clusterName, running));
    } catch (error) {
      if (!isUnknown(error)) throw error;
      refused ??= error;
      found.push({ name: each.name, why: 'it knows nothing of this cluster' });
    }
  }
  if (refused !== undefined && found.every((each) => 'why' in each)) throw refused;
  return found;
}

/**
 * The first backup on the new timeline: nothing of an older one is built on. Gives the repositories that still have none which may serve: a cluster
 * that was restored because its storage failed may well have bad pages, and what has them is kept and counts for nothing.
 */
async function takeFirst(
  context: CommandContext,
  cluster: ClusterConfig,
  repositories: readonly NamedRepository[],
  plan: AdoptPlan,
): Promise<readonly string[]> {
  const { output, clock, log, signal, version } = context;
  const startedAt = clock.now().getTime();
  const progress = output.progress('reading');
  const taken = await takeBackup({
    parameters: cluster.replication,
    connection: cluster.connection,
    repositories: repositories.filter(({ name }) => plan.lacksBackup.includes(name)),
    clusterName: cluster.name,
    tool: version,
    kind: 'full',
    fastCheckpoint: true,
    maxRateKb: undefined,
    clock,
    log,
    signal,
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.end());
  showOutcome(output, cluster, taken, clock.now().getTime() - startedAt);
  return taken.outcomes.filter((outcome) => !isSound(outcome)).map(({ name }) => name);
}
