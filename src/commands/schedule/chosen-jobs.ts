import { DbadminError } from '../../base/errors.ts';
import type { Job } from '../../schedule/policies.ts';
import { flagOption, textOption, type CommandInput } from '../command.ts';
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
