import type { Retention } from '../../backup/expire/retention.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { BackupPolicy, RetentionSettings } from '../../schedule/policies.ts';
import {
  durationOption,
  listOption,
  textOption,
  wholeNumber,
  wholeNumberOption,
  type CommandContext,
  type CommandInput,
} from '../command.ts';
import { loadPolicies } from '../schedule/load-policies.ts';

const RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
const NO_RULES: Retention['keep'] = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

/**
 * The retention that backups/policies.yaml has for a cluster in a repository, or undefined when there is no such file or policy.
 *
 * @throws {DbadminError} `policies-invalid` when two policies cover the same cluster in the same repository: neither is right alone.
 */
export async function findRetention(
  context: CommandContext,
  input: CommandInput,
  cluster: string,
  repository: string,
): Promise<RetentionSettings | undefined> {
  const { file, covering } = await coveringPolicies(context, input, cluster, repository);
  const retentions = covering.filter(({ retention }) => retention !== undefined);
  if (retentions.length > 1) {
    throw new DbadminError('policies-invalid', `${retentions.length} policies say how long backups of ${cluster} stay in ${repository}`, {
      detail: `They are ${retentions.map(({ name }) => name).join(' and ')}, in ${file}.`,
      hint: 'Leave retention to one of them.',
    });
  }
  return retentions[0]?.retention;
}

/** Whether dumps are all that policies keep of a cluster in a repository. */
export async function keepsDumpsOnly(context: CommandContext, input: CommandInput, cluster: string, repository: string): Promise<boolean> {
  const { covering } = await coveringPolicies(context, input, cluster, repository);
  return covering.length > 0 && covering.every(({ dumpsOnly }) => dumpsOnly);
}

/** None where there is no such file. */
async function coveringPolicies(
  context: CommandContext,
  input: CommandInput,
  cluster: string,
  repository: string,
): Promise<{ readonly file: string; readonly covering: readonly BackupPolicy[] }> {
  try {
    const { policies } = await loadPolicies(context, input);
    const all = [...policies.policies.values()];
    return { file: policies.file, covering: all.filter((each) => each.cluster === cluster && each.repositories.includes(repository)) };
  } catch (error) {
    if (isDbadminError(error, 'config-missing')) return { file: '', covering: [] };
    throw error;
  }
}

/** The retention that the options describe, or undefined when they describe none. */
export function retentionOption(input: CommandInput): Retention | undefined {
  const [window, minimum, dumps, keep] = [
    textOption(input, 'window'),
    textOption(input, 'minimum'),
    textOption(input, 'dumps'),
    listOption(input, 'keep'),
  ];
  if (window === undefined && minimum === undefined && dumps === undefined && keep.length === 0) return undefined;
  return {
    windowMs: durationOption(input, 'window'),
    keep: { ...NO_RULES, ...Object.fromEntries(keep.map(keepOption)) },
    minimum: wholeNumberOption(input, 'minimum', 1) ?? 1,
    dumps: wholeNumberOption(input, 'dumps', 1),
    timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

function keepOption(text: string): readonly [rule: string, count: number] {
  const [rule = '', ...counts] = text.split('=');
  if (!RULES.some((each) => each === rule)) {
    throw new DbadminError('usage', `--keep takes a rule and a count, not "${text}"`, {
      hint: `Write it like daily=7; rules are ${RULES.join(', ')}.`,
    });
  }
  return [rule, wholeNumber(counts.join('='), `--keep ${rule}`, 0)];
}
