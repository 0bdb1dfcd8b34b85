import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import { formatDuration, parseDuration } from '../../base/durations.ts';
import { durationOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadPolicies } from '../schedule/load-policies.ts';
import type { Newest } from './newest-backup.ts';
import type { RunRepositories } from './run-repositories.ts';

/** What `--require-backup` means without a span. */
const REQUIRED_AGE = '24h';

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
  const requiredMs = asked === true ? parseDuration(REQUIRED_AGE) : durationOption(input, 'requireBackup');
  const drillAgeMs = await policyDrillAge(context, input, repositories.cluster.name);
  if (requiredMs === undefined && drillAgeMs === undefined) return [];
  // What reads repositories is loaded where somebody asks about them.
  const { inspectNewest } = await import('./newest-backup.ts');
  const now = context.clock.now();
  const nowMs = now.getTime();
  const newest = await inspectNewest(repositories, now);
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
