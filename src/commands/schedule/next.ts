import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { describeWork } from '../../schedule/policies.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import { upcomingRuns } from '../../schedule/upcoming.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadPolicies } from './load-policies.ts';

const DEFAULT_COUNT = 10;
const MOST = 1000;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const count = readCount(textOption(input, 'count'));
  const { policies } = await loadPolicies(context, input);
  const { output } = context;
  const now = context.clock.now();
  const runs = upcomingRuns(policies.jobs, now, count);
  const waiting = policies.jobs.filter(({ trigger }) => trigger.kind === 'after');

  if (runs.length === 0) output.line(`Nothing in ${policies.file} will run.`);
  else {
    output.table(
      ['when', { head: 'in', align: 'right' }, 'job', 'what', 'time zone'],
      runs.map(({ job, at, timeZone }) => [
        formatMoment(at, timeZone),
        formatDuration(at.getTime() - now.getTime()),
        job.name,
        describeWork(job.work),
        timeZone,
      ]),
    );
  }
  for (const job of waiting) {
    if (job.trigger.kind === 'after') output.line(`${job.name} runs after ${job.trigger.jobs.join(' and ')}: ${describeWork(job.work)}`);
  }
  output.result({
    now: now.toISOString(),
    runs: runs.map(({ job, at, timeZone }) => ({ job: job.name, at: at.toISOString(), local: formatMoment(at, timeZone), timeZone })),
    after: waiting.map((job) => ({ job: job.name, after: job.trigger.kind === 'after' ? job.trigger.jobs : [] })),
  });
  return 0;
}

function readCount(text: string | undefined): number {
  const count = Number(text ?? DEFAULT_COUNT);
  if (Number.isInteger(count) && count >= 1 && count <= MOST) return count;
  throw new DbadminError('usage', `--count "${text ?? ''}" is not a number from 1 to ${MOST}`);
}
