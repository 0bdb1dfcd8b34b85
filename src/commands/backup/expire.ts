import type { Retention } from '../../backup/expire/retention.ts';
import { expireLineage, planLineage, type ExpireOptions } from '../../backup/expire/run.ts';
import { DbadminError } from '../../base/errors.ts';
import type { ClusterConfig, RepositoryConfig } from '../../config/config.ts';
import { DEFAULT_GRACE_MS } from '../../repository/collection-plan.ts';
import { listClusters, type ClusterIdentity } from '../../repository/identity.ts';
import type { Repository } from '../../repository/repository.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { ownLineage } from '../own-lineage.ts';
import { findRetention, retentionOption, spanOption } from './retention-policy.ts';
import { expiryResult, showExpired, showExpiryPlan } from './show-expiry.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const asked = retentionOption(input);
  const repositories = selectRepositories(config, cluster, textOption(input, 'repository'));
  const results: object[] = [];
  const failures: DbadminError[] = [];
  for (const repository of repositories) {
    try {
      const retention = asked ?? (await findRetention(context, input, cluster.name, repository.name));
      if (retention === undefined) throw noRetention(cluster.name, repository.name);
      results.push(await expireIn(context, input, cluster, repository, retention));
    } catch (error) {
      if (repositories.length === 1 || !(error instanceof DbadminError) || error.code === 'interrupted') throw error;
      failures.push(error);
      results.push({ repository: repository.name, error: { code: error.code, message: error.message } });
      output.warn(`nothing more was removed from ${repository.name}: ${error.message}`);
    }
  }
  output.result({ applied: flagOption(input, 'apply'), repositories: results });
  const [first] = failures;
  if (first !== undefined && failures.length === repositories.length) throw first;
  return failures.length > 0 ? 3 : 0;
}

async function expireIn(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
  place: RepositoryConfig,
  retention: Retention,
): Promise<object> {
  const { output, clock, log, signal } = context;
  const grace = textOption(input, 'grace');
  const options: ExpireOptions = {
    retention,
    graceMs: grace === undefined ? DEFAULT_GRACE_MS : spanOption(grace, '--grace'),
    clock,
    log,
    signal,
  };
  const repository = await openRepository(context, place);
  try {
    const lineage = await ownLineage(input, cluster, repository, { isSure: true });
    await noteOthers(context, repository, place.name, lineage);
    const where = `${cluster.name} in ${place.name} (${repository.store.description})`;
    if (!flagOption(input, 'apply')) {
      const plan = await planLineage(repository, lineage, options);
      showExpiryPlan(context, where, plan);
      output.line('Nothing was changed. Remove it with: dbadmin backup expire --apply');
      return expiryResult(place.name, plan, undefined);
    }
    const outcome = await expireLineage(repository, lineage, options, (plan) => showExpiryPlan(context, where, plan));
    showExpired(context, outcome);
    return expiryResult(place.name, outcome, outcome);
  } finally {
    await repository.store.close();
  }
}

/** What pg_upgrade or a new initdb left behind under the same name goes by no rule of its own. */
async function noteOthers({ output }: CommandContext, repository: Repository, place: string, of: ClusterIdentity): Promise<void> {
  for (const { name, systemIdentifier, serverVersion } of await listClusters(repository)) {
    if (name !== of.name || systemIdentifier === of.systemIdentifier) continue;
    output.note(
      `${place} also holds another cluster called ${name} (${systemIdentifier}, PostgreSQL ${Math.floor(serverVersion / 10_000)}), as after pg_upgrade: ` +
        `it stays as it is until dbadmin backup expire --apply --system-identifier ${systemIdentifier}`,
    );
  }
}

function noRetention(cluster: string, repository: string): DbadminError {
  return new DbadminError('config-missing', `no policy says how long backups of ${cluster} stay in ${repository}`, {
    detail: 'Without one everything stays.',
    hint: 'Write retention into the policy of the cluster in backups/policies.yaml, or say it with --window and --keep.',
  });
}
