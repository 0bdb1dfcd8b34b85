import { reasonOf } from '../../base/errors.ts';
import { resumeJob } from '../../schedule/control/registry-apply.ts';
import { upcomingRuns } from '../../schedule/upcoming.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import { chosenJobs, knownJob } from './chosen-jobs.ts';
import { findPolicies } from './load-policies.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const found = await findPolicies(context, input);
  const { config, policies, problem } = found;
  const chosen = policies === undefined ? undefined : chosenJobs(policies.jobs, input);
  const control = await openControl(config, 'dbadmin schedule resume');
  try {
    const names = chosen?.map(({ name }) => name) ?? [await knownJob(control, found, input)];
    const documents = [];
    for (const name of names) {
      const now = clock.now();
      const job = chosen?.find((each) => each.name === name);
      const changed = await resumeJob(control.pool, control.schema, name, now);
      const [next] = job === undefined ? [] : upcomingRuns([job], now, 1);
      const when = next === undefined ? '' : `; it runs next at ${formatMoment(next.at, next.timeZone)}`;
      output.line(changed ? `${name} is no longer paused${when}` : `${name} was not paused${when}`);
      if (job?.paused === true) output.warn(`${name} stays paused by pause: true in ${policies?.file ?? ''}`);
      documents.push({ job: name, changed, next: next?.at.toISOString() ?? null });
    }
    if (problem !== undefined) output.warn(`when it runs next is not known: ${reasonOf(problem)}`);
    if (documents.some(({ changed }) => changed))
      output.note('Times that passed meanwhile are not made up for: dbadmin schedule run does it now.');
    const [only] = documents;
    output.result(input.args[0] === undefined || only === undefined ? { jobs: documents } : only);
    return 0;
  } finally {
    await control.pool.close();
  }
}
