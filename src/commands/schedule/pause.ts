import os from 'node:os';
import { pauseJob, registerJobs } from '../../schedule/control/registry-apply.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import { loadPolicies } from './load-policies.ts';
import { findJob } from './run.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, policies } = await loadPolicies(context, input);
  const job = findJob(policies.jobs, input.args[0] ?? '');
  const control = await openControl(config, 'dbadmin schedule pause');
  try {
    const by = `${context.env['USER'] ?? context.env['LOGNAME'] ?? 'somebody'} on ${os.hostname()}`;
    const changed = await pauseJob(control.pool, control.schema, job.name, by, textOption(input, 'reason'));
    const known = await registerJobs(control.pool, control.schema, [job.name]);
    const paused = known.get(job.name)?.paused;
    output.line(
      changed
        ? `${job.name} is paused: no worker and no timer runs it until dbadmin schedule resume ${job.name}`
        : `${job.name} was paused already, at ${paused?.at.toISOString() ?? ''} by ${paused?.by ?? ''}`,
    );
    output.note('A timer on a machine that does not reach the control database does not know of it.');
    output.result({ job: job.name, changed, pausedAt: paused?.at ?? null, by: paused?.by ?? null, reason: paused?.reason ?? null });
    return 0;
  } finally {
    await control.pool.close();
  }
}
