import { parseBytes } from '../../base/bytes.ts';
import { DbadminError } from '../../base/errors.ts';
import { NOT_EXPIRED } from '../../base/exit-status.ts';
import { keepYoungGeneration } from '../../base/young-generation.ts';
import type { NamedRepository } from '../../backup/take/destination.ts';
import type { TakeOutcome } from '../../backup/take/outcomes.ts';
import { takeBackup, type TakeResult } from '../../backup/take/run.ts';
import type { ClusterConfig, Config, RepositoryConfig } from '../../config/config.ts';
import { MAX_RATE_KB, MIN_RATE_KB } from '../../postgres/base-backup-command.ts';
import { flagOption, listOption, textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { errorJson, expireAfterBackup, expiredJson, warnOfNotExpired, type NotExpired } from './expire-after.ts';
import { isSound, showMode, showOutcome, statusOf } from './show-backup.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log } = context;
  const maxRateKb = rateOption(input);
  const level = wholeNumberOption(input, 'level', 1, 19);
  const { config, cluster } = await loadProject(context, input);
  keepYoungGeneration();
  const opened = await openAll(context, chosen(config, cluster, listOption(input, 'repository')));
  try {
    const names = opened.repositories.map(({ name }) => name).join(', ');
    const startedAt = clock.now().getTime();
    let progress: ReturnType<typeof output.progress> | undefined;
    const taken = await takeBackup({
      parameters: cluster.replication,
      connection: cluster.connection,
      repositories: opened.repositories,
      clusterName: cluster.name,
      tool: context.version,
      kind: textOption(input, 'type') === 'full' ? 'full' : 'incremental',
      ...(level === undefined ? {} : { level }),
      fastCheckpoint: !flagOption(input, 'spreadCheckpoint'),
      maxRateKb,
      clock,
      log,
      signal: context.signal,
      onMode: (mode) => {
        showMode(output, `${cluster.name} → ${names}`, mode);
        progress ??= output.progress('reading');
      },
      onProgress: (done, total) => progress?.update(done, total),
    }).finally(() => progress?.end());
    const result = { ...taken, outcomes: [...opened.failed, ...taken.outcomes] };
    showOutcome(output, cluster, result, clock.now().getTime() - startedAt);
    const notExpired = await expireOlder(context, input, cluster, opened.repositories, taken.outcomes);
    for (const [name, problem] of notExpired) warnOfNotExpired(output, 'backup', name, problem);
    context.tellDone?.(
      result.outcomes.filter(isSound).map(({ name }) => ({
        repository: name,
        ...(notExpired.has(name) ? { warning: `the backup is taken, but older ones were not removed from ${name}` } : {}),
      })),
    );
    output.result({ backups: result.outcomes.map((outcome) => ({ ...describe(outcome), ...expiredJson(notExpired.get(outcome.name)) })) });
    const status = statusOf(result);
    return status === 0 && notExpired.size > 0 ? NOT_EXPIRED : status;
  } finally {
    for (const { repository } of opened.repositories) await repository.store.close();
  }
}

/** Wherever there is a new sound backup, older ones may go: by the policy, now that no lease is held. Gives what failed, by repository. */
async function expireOlder(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
  repositories: readonly NamedRepository[],
  outcomes: readonly TakeOutcome[],
): Promise<ReadonlyMap<string, NotExpired>> {
  const failed = new Map<string, NotExpired>();
  for (const { name, repository } of repositories) {
    const result = outcomes.find((outcome) => outcome.name === name)?.result;
    if (result?.kind !== 'taken' || result.summary.damage !== null) continue;
    const { systemIdentifier, label } = result.summary;
    const problem = await expireAfterBackup(context, input, cluster, { name, repository, systemIdentifier }, label);
    if (problem !== undefined) failed.set(name, problem);
  }
  return failed;
}

/** Those named, each once, or all of the cluster. */
function chosen(config: Config, cluster: ClusterConfig, names: readonly string[]): readonly RepositoryConfig[] {
  if (names.length === 0) return selectRepositories(config, cluster, undefined);
  return [...new Set(names)].flatMap((name) => selectRepositories(config, cluster, name));
}

interface Opened {
  readonly repositories: readonly NamedRepository[];
  readonly failed: readonly TakeOutcome[];
}

/** Opens what can be opened: one repository being away never stops the other; with only one there is nothing else to do. */
async function openAll(context: CommandContext, configs: readonly RepositoryConfig[]): Promise<Opened> {
  const repositories: NamedRepository[] = [];
  const failed: TakeOutcome[] = [];
  for (const config of configs) {
    try {
      repositories.push({ name: config.name, repository: await openRepository(context, config) });
    } catch (error) {
      if (!(error instanceof DbadminError) || error.code === 'interrupted') throw error;
      failed.push({ name: config.name, result: { kind: 'failed', error } });
    }
  }
  const [first] = failed;
  if (repositories.length === 0 && first?.result.kind === 'failed') throw first.result.error;
  return { repositories, failed };
}

function describe({ name, result }: TakeResult['outcomes'][number]): object {
  if (result.kind === 'taken') return { repository: name, ...result.summary };
  return { repository: name, error: errorJson(result.error) };
}

function rateOption(input: CommandInput): number | undefined {
  const text = textOption(input, 'maxRate');
  if (text === undefined) return undefined;
  let rateKb: number;
  try {
    rateKb = Math.round(parseBytes(text) / 1024);
  } catch (error) {
    throw new DbadminError('usage', `--max-rate takes a size, not "${text}"`, {
      hint: 'Write it like 50MB: so much in a second.',
      cause: error,
    });
  }
  if (rateKb >= MIN_RATE_KB && rateKb <= MAX_RATE_KB) return rateKb;
  throw new DbadminError('usage', `--max-rate takes 32KiB to 1GiB, not "${text}"`, {
    detail: 'PostgreSQL takes no other rate. A number without a unit is bytes.',
    hint: 'Write it like 50MB: so much in a second; without the option there is no limit.',
  });
}
