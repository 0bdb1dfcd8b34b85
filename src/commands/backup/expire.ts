import type { Retention } from '../../backup/expire/retention.ts';
import { expireLineage, planLineage, type ExpireOptions, type ExpiryOutcome, type ExpiryPlan } from '../../backup/expire/run.ts';
import { DbadminError, ERROR_CODES } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { ClusterConfig, RepositoryConfig } from '../../config/config.ts';
import { DEFAULT_GRACE_MS } from '../../repository/collection-plan.ts';
import { listClusters, type ClusterIdentity } from '../../repository/identity.ts';
import type { Repository } from '../../repository/repository.ts';
import { durationOption, flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { givenOptions } from '../given-options.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import type { Output } from '../output.ts';
import { ownLineage } from '../own-lineage.ts';
import { isTerminal } from '../read-secret.ts';
import { findRetention, retentionOption } from './retention-policy.ts';
import { contentProblem, expiryResult, goingOf, hasRemoved, showExpired, showExpiryPlan, warnOfContent } from './show-expiry.ts';

/** What a plan was made with: without one of them the same command removes something else. */
const GIVEN = ['config', 'cluster', 'url', 'repository', 'system-identifier', 'window', 'keep', 'minimum', 'dumps', 'grace'];

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const asked = retentionOption(input);
  const graceMs = durationOption(input, 'grace') ?? DEFAULT_GRACE_MS;
  const repositories = selectRepositories(config, cluster, textOption(input, 'repository'));
  const results: object[] = [];
  const failures: DbadminError[] = [];
  const ends: Expired['end'][] = [];
  let isInterrupted = false;
  for (const repository of repositories) {
    try {
      const retention = asked ?? (await findRetention(context, input, cluster.name, repository.name));
      if (retention === undefined) throw noRetention(cluster.name, repository.name);
      const expired = await expireIn(context, input, cluster, repository, { retention, graceMs });
      results.push(expired.result);
      ends.push(expired.end);
    } catch (error) {
      if (repositories.length === 1 || !(error instanceof DbadminError)) throw error;
      isInterrupted = error.code === 'interrupted';
      // With --json the error would be the one document: what was done before it would be told nowhere.
      if (isInterrupted && results.length === 0) throw error;
      failures.push(error);
      results.push({ repository: repository.name, error: { code: error.code, message: error.message } });
      output.warn(`nothing more was removed from ${repository.name}: ${error.message}`);
      if (isInterrupted) break;
    }
  }
  const [first] = failures;
  // Before the result: with --json the error is the one document.
  if (first !== undefined && failures.length === repositories.length && !isInterrupted) throw first;
  if (first === undefined && ends.includes('declined') && ends.every((end) => end === 'declined' || end === 'nothing'))
    throw new DbadminError('interrupted', `stopped: nothing was removed from ${repositories.map(({ name }) => name).join(', ')}`);
  output.result({ applied: flagOption(input, 'apply'), repositories: results });
  if (isInterrupted) return ERROR_CODES.interrupted.exit;
  return failures.length === 0 && ends.every((end) => end === 'done' || end === 'nothing') ? 0 : IN_PART;
}

interface Expired {
  readonly result: object;
  /** `done`: the room that content took which nothing needs is freed, or will be. `nothing`: nothing was removed, and nobody was asked. `declined`: who was asked said no. */
  readonly end: 'done' | 'nothing' | 'in-part' | 'declined';
}

async function expireIn(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
  place: RepositoryConfig,
  { retention, graceMs }: { readonly retention: Retention; readonly graceMs: number },
): Promise<Expired> {
  const { output, clock, log, signal } = context;
  const options: ExpireOptions = {
    retention,
    graceMs,
    trustsClock: flagOption(input, 'clockIsRight'),
    clock,
    log,
    signal,
  };
  const repository = await openRepository(context, place);
  try {
    const lineage = await ownLineage(input, cluster, repository, { isSure: true });
    await noteOthers(context, input, repository, place.name, lineage);
    const where = `${cluster.name} in ${place.name} (${repository.store.description})`;
    if (!flagOption(input, 'apply')) {
      const plan = await planLineage(repository, lineage, options);
      showExpiryPlan(context, where, plan);
      const trusted = options.trustsClock === true ? ['--clock-is-right'] : [];
      output.line(
        `Nothing was changed. Remove it with: ${['dbadmin backup expire --apply', ...trusted, ...givenOptions(input, GIVEN)].join(' ')}`,
      );
      return { result: expiryResult(place.name, plan, undefined), end: 'nothing' };
    }
    const agreed = isTerminal(context.stdin) ? await planLineage(repository, lineage, options) : undefined;
    if (agreed !== undefined) {
      showExpiryPlan(context, where, agreed);
      if (!(await isAgreed(output, place.name, agreed))) {
        output.note(`nothing was removed from ${place.name}`);
        return { result: { ...expiryResult(place.name, agreed, undefined), declined: true }, end: 'declined' };
      }
    }
    const outcome = await expireLineage(repository, lineage, options, (plan) => {
      if (agreed === undefined) showExpiryPlan(context, where, plan);
      else refuseMore(place.name, agreed, plan);
    });
    showExpired(context, outcome);
    const problem = contentProblem(repository, outcome);
    if (problem !== undefined) warnOfContent(context, problem.error);
    return { result: expiryResult(place.name, outcome, outcome), end: endOf(outcome, problem) };
  } finally {
    await repository.store.close();
  }
}

function endOf(outcome: ExpiryOutcome, problem: ReturnType<typeof contentProblem>): Expired['end'] {
  if (problem !== undefined && !problem.isByDesign) return 'in-part';
  return hasRemoved(outcome) ? 'done' : 'nothing';
}

/** What pg_upgrade or a new initdb left behind under the same name goes by no rule of its own. */
async function noteOthers(
  { output }: CommandContext,
  input: CommandInput,
  repository: Repository,
  place: string,
  of: ClusterIdentity,
): Promise<void> {
  const given = givenOptions(input, GIVEN).filter((option) => !option.startsWith('--system-identifier'));
  for (const { name, systemIdentifier, serverVersion } of await listClusters(repository)) {
    if (name !== of.name || systemIdentifier === of.systemIdentifier) continue;
    output.note(
      `${place} also holds another cluster called ${name} (${systemIdentifier}, PostgreSQL ${Math.floor(serverVersion / 10_000)}), as after pg_upgrade: ` +
        `it stays as it is until ${['dbadmin backup expire --apply', ...given, `--system-identifier ${systemIdentifier}`].join(' ')}`,
    );
  }
}

/** A schedule has nobody to ask, and its --apply is a yes; who sits before a terminal sees what goes before it does. */
async function isAgreed(output: Output, place: string, plan: ExpiryPlan): Promise<boolean> {
  const going = goingOf(plan);
  const { objects } = plan.wal;
  if (going.length + objects === 0) return true;
  const backups = going.length === 1 ? 'the one that goes' : `the ${going.length} that go`;
  // By name where the plan is not on the terminal; where it is, hundreds of names would push it off.
  const named = output.isOnTerminal ? (going.length === 0 ? [] : [backups]) : going;
  const what = [...named, ...(objects === 0 ? [] : [`${objects} WAL ${objects === 1 ? 'object' : 'objects'}`])].join(', ');
  return await output.confirm(`Remove ${what} from ${place}?`);
}

/** While somebody thought about it a backup may have been taken, and others not be needed any more. */
function refuseMore(place: string, agreed: ExpiryPlan, now: ExpiryPlan): void {
  const known = new Set(goingOf(agreed));
  const more = goingOf(now).filter((label) => !known.has(label));
  if (more.length === 0) return;
  throw new DbadminError('plan-stale', `more goes from ${place} than was asked about: ${more.join(', ')}`, {
    detail: 'Nothing was removed.',
    hint: 'Look at it again.',
  });
}

function noRetention(cluster: string, repository: string): DbadminError {
  return new DbadminError('config-missing', `no policy says how long backups of ${cluster} stay in ${repository}`, {
    detail: 'Without one everything stays.',
    hint: 'Write retention into the policy of the cluster in backups/policies.yaml, or say it with --window and --keep.',
  });
}
