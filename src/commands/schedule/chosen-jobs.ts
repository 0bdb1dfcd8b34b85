import { DbadminError } from '../../base/errors.ts';
import type { ControlPlace } from '../../schedule/control/due-apply.ts';
import { knownJobs } from '../../schedule/control/registry-apply.ts';
import type { Job } from '../../schedule/policies.ts';
import { flagOption, textOption, type CommandInput } from '../command.ts';
import type { FoundPolicies } from './load-policies.ts';
import { findJob } from './run.ts';

/**
 * The job that is named, or with `--all` all of them; with `--cluster` those of that cluster.
 *
 * @throws {DbadminError} `usage` where neither or both are given, or a cluster has no job.
 */
export function chosenJobs(jobs: readonly Job[], input: CommandInput): readonly Job[] {
  const [name] = input.args;
  const isAll = flagOption(input, 'all');
  if (isAll === (name !== undefined)) {
    throw new DbadminError('usage', isAll ? `--all and the job "${name ?? ''}" exclude each other` : 'no job is named', {
      hint: 'Name a job as dbadmin schedule list shows it, or give --all, with --cluster for those of one cluster.',
    });
  }
  if (name !== undefined) return [findJob(jobs, name)];
  const cluster = textOption(input, 'cluster');
  const chosen = cluster === undefined ? jobs : jobs.filter(({ work }) => work.cluster === cluster);
  if (chosen.length === 0)
    throw new DbadminError('usage', cluster === undefined ? 'nothing is scheduled' : `no job is of cluster ${cluster}`);
  return chosen;
}

/**
 * The job that is named while the policies cannot be read: one that the control database knows. Workers go on by the policies
 * as they were, and whoever broke these may have to stop one of them.
 *
 * @throws {DbadminError} what keeps the policies from being read, where they are needed to know which jobs are meant.
 */
export async function knownJob({ pool, schema }: ControlPlace, { problem }: FoundPolicies, input: CommandInput): Promise<string> {
  const [name] = input.args;
  if (name !== undefined && !flagOption(input, 'all') && (await knownJobs(pool, schema, [name])).has(name)) return name;
  throw problem ?? new DbadminError('internal', 'policies that are not there have a reason');
}
