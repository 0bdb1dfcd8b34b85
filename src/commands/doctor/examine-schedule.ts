import { DbadminError, reasonOf } from '../../base/errors.ts';
import { fine, remark, wrong, type Examined } from '../../doctor/examined.ts';
import type { Receiver } from '../../alerts/receivers.ts';
import type { Policies } from '../../schedule/policies.ts';
import { loadReceivers } from '../alerts/load-receivers.ts';
import type { CommandContext } from '../command.ts';
import { commandNames, commandsOf } from '../schedule/job-commands.ts';
import type { StatusProject } from '../status/load.ts';

const SET_IT = 'set it, or say elsewhere where it is';

/** What the policies ask for that would fail at its time: jobs that this dbadmin cannot run, people who cannot be told. */
export async function examineSchedule(context: CommandContext, project: StatusProject): Promise<readonly Examined[]> {
  const { policies } = project;
  if (policies === undefined) return [];
  const { COMMANDS } = await import('../catalogue.ts');
  return [...examineJobs(policies, commandNames(COMMANDS)), ...examineReceivers(context, project, policies)];
}

function examineJobs(policies: Policies, known: ReadonlySet<string>): readonly Examined[] {
  return policies.jobs.flatMap((job) => {
    const todo = commandsOf(job, policies, known);
    if (todo.kind !== 'refusal') return [];
    return [
      wrong('schedule', `job ${job.name}`, `cannot run: ${todo.reason}`, 'it fails each time it is due', `correct it in ${policies.file}`),
    ];
  });
}

function examineReceivers({ env }: CommandContext, { config }: StatusProject, policies: Policies): readonly Examined[] {
  if (policies.jobs.length === 0 && policies.policies.size === 0) return [];
  const what = 'who is told';
  const why = 'nobody hears of a backup that fails';
  let receivers: readonly Receiver[];
  try {
    receivers = loadReceivers(policies, config, env);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    return [wrong('schedule', what, reasonOf(error), why, error.hint ?? `correct notify in ${policies.file}`)];
  }
  if (receivers.length === 0)
    return [
      remark('schedule', what, `nobody: ${policies.file} has no notify`, why, 'add notify: to the policies, then dbadmin alerts test'),
    ];
  const missing = receivers.flatMap(({ name, channel }) => {
    const secrets = channel.kind === 'webhook' ? [channel.url, channel.secret] : [channel.server.password];
    const read = channel.kind === 'email' ? channel.server.ca : undefined;
    return [
      ...secrets.flatMap((secret) => problemOf(() => secret?.reveal()).map((problem) => ({ problem, fix: SET_IT }))),
      ...problemOf(() => read?.()).map((problem) => ({ problem, fix: `correct mail: ca_file in ${policies.file}, or put the file there` })),
    ].map(({ problem, fix }) => wrong('schedule', `${what}: ${name}`, problem, why, fix));
  });
  return missing.length > 0 ? missing : [fine('schedule', what, [...new Set(receivers.map(({ name }) => name))].join(', '))];
}

function problemOf(read: () => string | undefined): readonly string[] {
  try {
    return read() === '' ? ['is empty'] : [];
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    return [reasonOf(error)];
  }
}
