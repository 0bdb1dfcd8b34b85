import { formatDuration } from '../../base/durations.ts';
import { clockNote, clockShifts } from '../../schedule/clock-note.ts';
import { willLetPass } from '../../schedule/pause.ts';
import { describeWork, type Job } from '../../schedule/policies.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import { followers, upcomingRuns } from '../../schedule/upcoming.ts';
import { wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { askPauses } from './ask-pauses.ts';
import { loadPolicies } from './load-policies.ts';

const DEFAULT_COUNT = 10;
const MOST = 1000;
/** A change of the clocks is told this long before. */
const CLOCK_DAYS = 8;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const count = wholeNumberOption(input, 'count', 1, MOST) ?? DEFAULT_COUNT;
  const { config, policies } = await loadPolicies(context, input);
  const known = await askPauses(context, config, policies.jobs, 'dbadmin schedule next');
  const { output } = context;
  const now = context.clock.now();
  const passes = (job: Job, at: Date): boolean => {
    const pause = known?.get(job.name)?.pause;
    return pause !== undefined && willLetPass(pause, at, now);
  };
  const runs = upcomingRuns(policies.jobs, now, count);
  const shifts = clockShifts(
    runs.map(({ timeZone }) => timeZone),
    now,
    CLOCK_DAYS,
  );
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
        passes(job, at) ? 'paused: left out' : (noteOf(job, at) ?? timeZone),
      ]),
    );
  }
  for (const { timeZone, at, byMinutes } of shifts)
    output.line(
      `clocks in ${timeZone} go ${byMinutes > 0 ? 'forward' : 'back'} by ${formatDuration(Math.abs(byMinutes) * 60_000)} at ${formatMoment(at, timeZone)}`,
    );
  for (const job of waiting) {
    if (job.trigger.kind === 'after') output.line(`${job.name} runs after ${job.trigger.jobs.join(' and ')}: ${describeWork(job.work)}`);
  }
  output.result({
    now: now.toISOString(),
    runs: runs.map(({ job, at, timeZone }) => ({
      job: job.name,
      at: at.toISOString(),
      local: formatMoment(at, timeZone),
      timeZone,
      followers: followers(job, policies.jobs).map(({ name }) => name),
      note: noteOf(job, at) ?? null,
      isLeftOut: passes(job, at),
    })),
    clocks: shifts.map(({ timeZone, at, byMinutes }) => ({ timeZone, at: at.toISOString(), byMinutes })),
    after: waiting.map((job) => ({ job: job.name, after: job.trigger.kind === 'after' ? job.trigger.jobs : [] })),
  });
  return 0;
}

function noteOf({ trigger }: Job, at: Date): string | undefined {
  return trigger.kind === 'times' ? clockNote(trigger.recurrence, at) : undefined;
}
