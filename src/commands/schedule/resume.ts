import { resumeJob } from '../../schedule/control/registry-apply.ts';
import { upcomingRuns } from '../../schedule/upcoming.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import { chosenJobs } from './chosen-jobs.ts';
import { loadPolicies } from './load-policies.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const { config, policies } = await loadPolicies(context, input);
  const jobs = chosenJobs(policies.jobs, input);
  const control = await openControl(config, 'dbadmin schedule resume');
  try {
    const documents = [];
    for (const job of jobs) {
      const now = clock.now();
      const changed = await resumeJob(control.pool, control.schema, job.name, now);
      const [next] = upcomingRuns([job], now, 1);
      const when = next === undefined ? '' : `; it runs next at ${formatMoment(next.at, next.timeZone)}`;
      output.line(changed ? `${job.name} is no longer paused${when}` : `${job.name} was not paused${when}`);
      if (job.paused) output.warn(`${job.name} stays paused by pause: true in ${policies.file}`);
      documents.push({ job: job.name, changed, next: next?.at.toISOString() ?? null });
    }
    if (documents.some(({ changed }) => changed))
      output.note('Times that passed meanwhile are not made up for: dbadmin schedule run does it now.');
    const [only] = documents;
    output.result(input.args[0] === undefined || only === undefined ? { jobs: documents } : only);
    return 0;
  } finally {
    await control.pool.close();
  }
}
