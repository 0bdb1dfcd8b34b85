import { describeWork } from '../../schedule/policies.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadPolicies } from './load-policies.ts';
import { describeSettings, describeTrigger, jobDocument } from './show-job.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { policies } = await loadPolicies(context, input);
  const { output } = context;
  if (policies.jobs.length === 0) output.line(`${policies.file} schedules nothing.`);
  else {
    output.table(
      ['job', 'when', 'time zone', 'what', ''],
      policies.jobs.map((job) => [
        job.name,
        describeTrigger(job),
        job.trigger.kind === 'times' ? job.trigger.recurrence.timeZone : '',
        describeWork(job.work),
        describeSettings(job),
      ]),
    );
  }
  output.result({ file: policies.file, jobs: policies.jobs.map((job) => jobDocument(job)) });
  return 0;
}
