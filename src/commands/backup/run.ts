import { formatBytes, parseBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { takeBackup } from '../../backup/take/run.ts';
import type { ClusterConfig, RepositoryConfig } from '../../config/config.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';

interface Outcome {
  readonly repository: string;
  readonly summary?: BackupSummary;
  readonly error?: DbadminError;
}

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const maxRateKb = rateOption(input);
  const { config, cluster } = await loadProject(context, input);
  const repositories = selectRepositories(config, cluster, textOption(input, 'repository'));
  const outcomes: Outcome[] = [];
  for (const repository of repositories) {
    try {
      outcomes.push({ repository: repository.name, summary: await takeInto(context, input, cluster, repository, maxRateKb) });
    } catch (error) {
      // One repository being away never stops the other; with only one there is nothing else to do.
      if (repositories.length === 1 || !(error instanceof DbadminError) || error.code === 'interrupted') throw error;
      outcomes.push({ repository: repository.name, error });
      context.log.warn(
        `no backup in ${repository.name}: ${error.message}${error.detail === undefined ? '' : `\n  detail: ${error.detail}`}`,
      );
    }
  }
  context.output.result({
    backups: outcomes.map(({ repository, summary, error }) =>
      error === undefined
        ? { repository, ...summary }
        : { repository, error: { code: error.code, message: error.message, detail: error.detail, hint: error.hint } },
    ),
  });
  const failed = outcomes.filter(({ error }) => error !== undefined).length;
  if (failed === outcomes.length) throw outcomes[0]?.error ?? new DbadminError('backup-failed', 'no backup was taken');
  const isDamaged = outcomes.some(({ summary }) => summary?.damage !== null && summary !== undefined);
  return failed > 0 || isDamaged ? 3 : 0;
}

async function takeInto(
  context: CommandContext,
  input: CommandInput,
  cluster: ClusterConfig,
  repository: RepositoryConfig,
  maxRateKb: number | undefined,
): Promise<BackupSummary> {
  const { output, clock } = context;
  const opened = await openRepository(context, repository);
  try {
    output.line(`${cluster.name} → ${repository.name}   full`);
    const progress = output.progress('reading');
    const startedAt = clock.now().getTime();
    const summary = await takeBackup({
      parameters: cluster.replication,
      repository: opened,
      clusterName: cluster.name,
      tool: context.version,
      fastCheckpoint: !flagOption(input, 'spreadCheckpoint'),
      maxRateKb,
      clock,
      log: context.log,
      signal: context.signal,
      onProgress: (done, total) => progress.update(done, total),
    }).finally(() => progress.end());
    report(context, summary, clock.now().getTime() - startedAt);
    return summary;
  } finally {
    await opened.store.close();
  }
}

function rateOption(input: CommandInput): number | undefined {
  const text = textOption(input, 'maxRate');
  if (text === undefined) return undefined;
  try {
    return Math.round(parseBytes(text) / 1024);
  } catch (error) {
    throw new DbadminError('usage', `--max-rate takes a size, not "${text}"`, {
      hint: 'Write it like 50MB: so much in a second.',
      cause: error,
    });
  }
}

function report({ output }: CommandContext, summary: BackupSummary, tookMs: number): void {
  output.line(`  read       ${formatBytes(summary.plainBytes)} in ${summary.fileCount} files`);
  output.line(`  wal        ${summary.startLsn} → ${summary.stopLsn}`);
  const pages =
    summary.damage !== null ? 'page checksums FAILED' : summary.checksums ? 'page checksums ok' : 'the cluster has no page checksums';
  output.line(`  done       ${summary.label}   ${formatDuration(tookMs)}   stored ${formatBytes(summary.storedBytes)}   ${pages}`);
  for (const warning of summary.warnings) output.warn(warning);
  if (summary.damage !== null) {
    output.warn(`the server found damaged pages: ${summary.damage}. The backup is kept as damaged; restore the table from an older one.`);
    return;
  }
  output.line(`restorable on its own: dbadmin restore --backup ${summary.label} --to-latest --into DIR --start`);
}
