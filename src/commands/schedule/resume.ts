import { resumeJob } from '../../schedule/control/registry-apply.ts';
import { upcomingRuns } from '../../schedule/upcoming.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import { loadPolicies } from './load-policies.ts';
import { findJob } from './run.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const { config, policies } = await loadPolicies(context, input);
  const job = findJob(policies.jobs, input.args[0] ?? '');
  const control = await openControl(config, 'dbadmin schedule resume');
  try {
    const changed = await resumeJob(control.pool, control.schema, job.name);
    const [next] = upcomingRuns([job], clock.now(), 1);
    const when = next === undefined ? '' : `; it runs next at ${formatMoment(next.at, next.timeZone)}`;
    output.line(changed ? `${job.name} is no longer paused${when}` : `${job.name} was not paused${when}`);
    if (changed) output.note('Times that passed meanwhile are not made up for: dbadmin schedule run does it now.');
    if (job.paused) output.warn(`${job.name} stays paused by pause: true in ${policies.file}`);
    output.result({ job: job.name, changed, next: next?.at.toISOString() ?? null });
    return 0;
  } finally {
    await control.pool.close();
  }
}
