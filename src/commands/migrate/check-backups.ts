import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { inspectRecovery } from '../../backup/recovery-inspect.ts';
import { readProofs } from '../../backup/drill/record.ts';
import { newestRecovery, recoveryModel } from '../../backup/windows.ts';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import { formatDuration, parseDuration } from '../../base/durations.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadPolicies } from '../schedule/load-policies.ts';
import type { RunRepositories } from './run-repositories.ts';

/** What `--require-backup` means without a span. */
const REQUIRED_AGE = '24h';

/** The newest backup that can be restored, and the last one a drill proved, over all repositories. */
export interface Newest {
  readonly backup: { readonly label: string; readonly repository: string; readonly at: number } | undefined;
  readonly provenAt: number | undefined;
  readonly problems: readonly string[];
}

/**
 * Looks before a run whether there is something to fall back to. Gives warnings: the last drill that passed is older than the
 * policy's `drill_age`, or there was none. Says nothing where no policy asks and nothing is required.
 *
 * @throws {DbadminError} `refused` when `--require-backup` was given and no restorable backup is that young.
 */
export async function checkBackups(
  context: CommandContext,
  input: CommandInput,
  repositories: RunRepositories,
): Promise<readonly string[]> {
  const asked = input.options['requireBackup'];
  const requiredMs = asked === true ? parseDuration(REQUIRED_AGE) : typeof asked === 'string' ? parseDuration(asked) : undefined;
  const drillAgeMs = await policyDrillAge(context, input, repositories.cluster.name);
  if (requiredMs === undefined && drillAgeMs === undefined) return [];
  const newest = await inspectNewest(repositories);
  const nowMs = context.clock.now().getTime();
  if (requiredMs !== undefined && (newest.backup === undefined || nowMs - newest.backup.at > requiredMs)) {
    throw refused(repositories.cluster.name, requiredMs, newest, nowMs);
  }
  if (drillAgeMs === undefined) return [];
  if (newest.provenAt === undefined) return ['no drill has proven a backup of this cluster yet (dbadmin backup drill)'];
  const ageMs = nowMs - newest.provenAt;
  if (ageMs <= drillAgeMs) return [];
  return [
    `the last proven backup is ${formatDuration(ageMs)} old, and the policy allows ${formatDuration(drillAgeMs)} (dbadmin backup drill)`,
  ];
}

async function policyDrillAge(context: CommandContext, input: CommandInput, cluster: string): Promise<number | undefined> {
  try {
    const { policies } = await loadPolicies({ ...context, log: { ...context.log, warn: () => undefined } }, input);
    const ages = [...policies.policies.values()].flatMap((policy) =>
      policy.cluster === cluster && policy.limits.drillAgeMs !== undefined ? [policy.limits.drillAgeMs] : [],
    );
    return ages.length === 0 ? undefined : Math.min(...ages);
  } catch (error) {
    if (!isDbadminError(error, 'config-missing')) context.log.debug(`the policies cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}

/** What there is to fall back to, in one line: `full 20261120T020000F in local, 9 h old; proven by a drill 2 d ago`. */
export function describeNewest({ backup, provenAt, problems }: Newest, nowMs: number): string {
  const away = problems.map((problem) => `; ${problem}`).join('');
  if (backup === undefined) return `no backup (dbadmin backup run)${away}`;
  const proof = provenAt === undefined ? 'no drill has proven one yet' : `proven by a drill ${formatDuration(nowMs - provenAt)} ago`;
  return `${backup.label} in ${backup.repository}, ${formatDuration(nowMs - backup.at)} old; ${proof}${away}`;
}

/** Asks every repository of the cluster; what cannot be asked is among the problems. */
export async function inspectNewest(repositories: RunRepositories): Promise<Newest> {
  let backup: Newest['backup'];
  let provenAt: number | undefined;
  const problems: string[] = [];
  const destinations = await repositories.destinations();
  const systemIdentifier = destinations.length === 0 ? '' : (await repositories.archiving()).systemIdentifier;
  for (const { name, open } of destinations) {
    try {
      const repository = await open();
      const contents = await inspectLineage(repository, repositories.cluster.name, systemIdentifier);
      const last = newestRecovery(recoveryModel(await inspectRecovery(repository, contents)))?.windows.at(-1);
      const at = last === undefined ? undefined : Date.parse(last.from);
      if (last !== undefined && at !== undefined && (backup === undefined || at > backup.at))
        backup = { label: last.backup, repository: name, at };
      const passed = (await readProofs(repository, systemIdentifier)).lastPassed;
      if (passed !== undefined) provenAt = Math.max(provenAt ?? 0, Date.parse(passed.finishedAt));
    } catch (error) {
      problems.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { backup, provenAt, problems };
}

function refused(cluster: string, requiredMs: number, { backup, problems }: Newest, nowMs: number): DbadminError {
  const newest =
    backup === undefined
      ? 'There is none at all.'
      : `The newest, ${backup.label} in ${backup.repository}, is ${formatDuration(nowMs - backup.at)} old.`;
  return new DbadminError('refused', `${cluster} has no restorable backup younger than ${formatDuration(requiredMs)}`, {
    detail: [newest, ...problems].join('\n'),
    hint: 'Take one: dbadmin backup run. Nothing was applied.',
  });
}
