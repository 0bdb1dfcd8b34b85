import { formatDuration, parseDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import type { ClusterConfig } from '../../config/config.ts';
import { DEFAULT_RETRY } from '../../migrate/session/retry.ts';
import { runSeeds } from '../../migrate/seeds/run.ts';
import { durationOption, type CommandContext, type CommandInput } from '../command.ts';
import { gitCommit } from './git-commit.ts';
import { count, loadMigrations } from './load-migrations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const { config, cluster, directories } = await loadMigrations(context, input);
  const environment = input.args[0] ?? '';
  refuseProduction(cluster, 'seeds are not put into it');
  const { runId, database, seeds, unchanged } = await runSeeds({
    connection: cluster.connection,
    schema: config.migrate.schema,
    lockTimeoutMs: config.migrate.lockTimeoutMs,
    directories: { project: directories.project, seeds: config.paths.seeds },
    environment,
    toolVersion: context.version,
    gitCommit: await gitCommit(directories.project),
    retry: DEFAULT_RETRY,
    waitMs: durationOption(input, 'lockWait') ?? parseDuration('5m'),
    clock,
    random: Math.random,
    log,
    signal,
    onApplied: ({ name, change, statements, tookMs }) =>
      output.line(`  ${name.padEnd(48)} ${change.padEnd(8)} ${count(statements, 'statement').padStart(13)}   ${formatDuration(tookMs)}`),
  });
  output.line(
    seeds.length === 0
      ? `${database} on ${cluster.name} has the seeds of ${environment}`
      : `${count(seeds.length, 'seed')} put into ${database} on ${cluster.name}${unchanged > 0 ? `, ${unchanged} unchanged` : ''}`,
  );
  output.result({ database, environment, runId: runId ?? null, seeds, unchanged });
  return 0;
}

/**
 * Keeps away from production what is not for it.
 *
 * @throws {DbadminError} `refused` on a cluster that the configuration marks.
 */
export function refuseProduction(cluster: ClusterConfig, what: string): void {
  if (!cluster.production) return;
  throw new DbadminError('refused', `cluster ${cluster.name} is marked as production: ${what}`, {
    hint: 'Name another cluster with --cluster, or take "production: true" out of dbadmin.yaml.',
  });
}
