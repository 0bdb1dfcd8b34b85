import path from 'node:path';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { describeWal, type Preflight } from '../../backup/restore/inspect.ts';
import { formatMoment, formatMomentUs, targetUs, timeTarget, type RestoreTarget } from '../../backup/restore/target.ts';
import { EMPTY_HISTORY } from '../../migrate/history/history.ts';
import { readFiles } from '../../migrate/inspect.ts';
import { loadSqlParser } from '../../migrate/sql/parser.ts';
import { planMigrations } from '../../migrate/plan.ts';
import { joinProblems } from '../../migrate/files/problems.ts';
import { rehearsalFile, writeRehearsal, type RehearsalRecord } from '../../migrate/rehearse/record.ts';
import { rehearse, type Rehearsed } from '../../migrate/rehearse/run.ts';
import { DEFAULT_RETRY } from '../../migrate/session/retry.ts';
import { durationOption, flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { recoveryTimeoutSeconds } from '../recovery-timeout.ts';
import { withThrowawayClone, type FoundClone } from '../throwaway-clone.ts';
import { loadMigrations, policyOf, type MigrateProject } from './load-migrations.ts';
import { showRehearsal } from './show-rehearsal.ts';

const EXIT_OVER_LIMIT = 3;
/** Beside the backup itself: the WAL that recovery writes, and a second copy of what a migration rewrites. */
const ROOM = 1.5;

/** `dbadmin migrate rehearse`: what is pending, on a clone that is thrown away. Nothing here connects to the cluster. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  if (flagOption(input, 'last')) return await (await import('./last-rehearsal.ts')).run(context, input);
  const { output, clock } = context;
  const target = targetOf(context, input);
  const maxBlockMs = durationOption(input, 'maxBlock');
  const timeoutSeconds = recoveryTimeoutSeconds(input);
  const project = await loadMigrations(context, input);
  const { config, cluster } = project;
  await refuseBadFiles(context, input, project);
  const startedMs = clock.now().getTime();
  const wish = {
    config,
    cluster,
    target,
    systemIdentifier: textOption(input, 'systemIdentifier'),
    backup: textOption(input, 'backup'),
    room: ROOM,
    timeoutSeconds,
    onFound: ({ preflight }: FoundClone): void => {
      const { label } = preflight.resolution.backup;
      output.line(`rehearsal of ${cluster.connection.database} on ${cluster.name}`);
      output.line(`backup     ${label}, ${formatBytes(preflight.layout.totalBytes)}`);
      output.line(`moment     ${describeMoment(target, preflight)}; WAL ${describeWal(preflight)}`);
    },
  };
  const { rehearsed, ...clone } = await withThrowawayClone(context, input, wish, async (superuser, { preflight, directory }) => {
    const restoreMs = clock.now().getTime() - startedMs;
    output.line(`clone      ${directory}, ready after ${formatDuration(restoreMs)}; nothing reaches ${cluster.name}`);
    const { database, user } = cluster.connection;
    const up = upOptions(context, input, project);
    return {
      backup: preflight.resolution.backup.label,
      moment: describeMoment(target, preflight),
      restoreMs,
      rehearsed: await rehearse({ superuser, database, user, maxBlockMs, up }),
    };
  });
  return await report(context, input, project, rehearsed, { ...clone, maxBlockMs });
}

function targetOf({ clock }: CommandContext, input: CommandInput): RestoreTarget {
  const to = textOption(input, 'to');
  if (to === undefined) return { kind: 'immediate' };
  return /^(now|latest)$/i.test(to.trim()) ? { kind: 'latest' } : timeTarget(to, clock.now());
}

function describeMoment(target: RestoreTarget, { resolution }: Preflight): string {
  const { before, backup } = resolution;
  const last = before === undefined ? '' : `, last commit ${formatMomentUs(before.timeUs)}`;
  if (target.kind === 'time') return `${formatMomentUs(targetUs(target))}${last}`;
  return target.kind === 'latest'
    ? `the newest WAL there is${last}`
    : `the end of the backup, ${formatMoment(new Date(backup.finishedAt))}`;
}

/** What is wrong with the files alone is said before anything is restored. Against an empty history every file is pending, so every file is parsed. */
async function refuseBadFiles({ clock }: CommandContext, input: CommandInput, { directories }: MigrateProject): Promise<void> {
  const files = await readFiles(directories);
  const observed = { ...files, fileProblems: files.problems, history: EMPTY_HISTORY, storedBodies: new Map<string, string>() };
  const plan = planMigrations(observed, policyOf(input), await loadSqlParser(), clock.now());
  if (plan.problems.length > 0) throw joinProblems(plan.problems, `${plan.problems.length} problems with migrations; nothing was restored`);
}

function upOptions(
  { clock, log, signal, version }: CommandContext,
  input: CommandInput,
  { config, directories }: MigrateProject,
): Parameters<typeof rehearse>[0]['up'] {
  return {
    schema: config.migrate.schema,
    lockTimeoutMs: config.migrate.lockTimeoutMs,
    directories,
    toolVersion: version,
    gitCommit: undefined,
    policy: policyOf(input),
    retry: DEFAULT_RETRY,
    waitMs: 0,
    clock,
    random: Math.random,
    log,
    signal,
  };
}

async function report(
  context: CommandContext,
  input: CommandInput,
  { config, cluster }: MigrateProject,
  { failure, over, ...rehearsed }: Rehearsed,
  clone: { readonly backup: string; readonly moment: string; readonly restoreMs: number; readonly maxBlockMs: number | undefined },
): Promise<number> {
  const { output, clock, version, cwd, env } = context;
  const { maxBlockMs, ...origin } = clone;
  const { database } = cluster.connection;
  const record: RehearsalRecord = {
    format: 1,
    at: clock.now().toISOString(),
    tool: version,
    cluster: cluster.name,
    database,
    ...origin,
    ...rehearsed,
  };
  for (const warning of record.warnings) output.warn(warning);
  showRehearsal(output, record, over, maxBlockMs);
  const result = { ...record, overLimit: over, verdict: over.length === 0 ? 'passed' : 'over-limit' };
  const file = textOption(input, 'report');
  if (file !== undefined) await writeRehearsal(path.resolve(cwd, file), result);
  await writeRehearsal(rehearsalFile(env, { project: config.directory, cluster: cluster.name, database }), record);
  if (failure !== undefined) throw failure as Error;
  output.result(result);
  return over.length === 0 ? 0 : EXIT_OVER_LIMIT;
}
