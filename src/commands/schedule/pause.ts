import os from 'node:os';
import { DbadminError, reasonOf } from '../../base/errors.ts';
import { knownJobs, pauseJob } from '../../schedule/control/registry-apply.ts';
import { formatMoment, parseMoment } from '../../schedule/recurrence.ts';
import { durationOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import { chosenJobs, knownJob } from './chosen-jobs.ts';
import { findPolicies } from './load-policies.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, env } = context;
  const spanMs = durationOption(input, 'for', { leastMs: 1000 });
  const found = await findPolicies(context, input);
  const { config, policies, localZone, problem } = found;
  const chosen = policies === undefined ? undefined : chosenJobs(policies.jobs, input).map(({ name }) => name);
  const now = clock.now();
  const until = readEnd(input, spanMs, localZone, now);
  const control = await openControl(config, 'dbadmin schedule pause');
  try {
    const names = chosen ?? [await knownJob(control, found, input)];
    // The console says who it acts for.
    const by = env['DBADMIN_ACTOR'] ?? `${env['USER'] ?? env['LOGNAME'] ?? 'somebody'} on ${os.hostname()}`;
    const request = { by, reason: textOption(input, 'reason'), until, now };
    const outcomes = new Map<string, Awaited<ReturnType<typeof pauseJob>>>();
    for (const name of names) outcomes.set(name, await pauseJob(control.pool, control.schema, name, request));
    const known = await knownJobs(control.pool, control.schema, names);
    const documents = names.map((name) => {
      const pause = known.get(name)?.pause;
      return {
        job: name,
        changed: outcomes.get(name) !== 'unchanged',
        pausedAt: pause?.at ?? null,
        until: pause?.until ?? null,
        by: pause?.by ?? null,
        reason: pause?.reason ?? null,
      };
    });
    for (const { job, changed, pausedAt, until: end, by: who } of documents) {
      const ends =
        end === null ? `until dbadmin schedule resume ${job}` : `until ${formatMoment(end, localZone)}, when it goes on by itself`;
      output.line(
        changed
          ? `${job} is paused: no worker and no timer runs it ${ends}`
          : `${job} was paused already, at ${pausedAt?.toISOString() ?? ''} by ${who ?? ''}, ${ends}`,
      );
    }
    if (problem !== undefined) output.warn(`whether the schedule still has it is not known: ${reasonOf(problem)}`);
    output.note('A timer on a machine that does not reach the control database does not know of it.');
    const [only] = documents;
    output.result(isAll(input) || only === undefined ? { until: until ?? null, jobs: documents } : only);
    return 0;
  } finally {
    await control.pool.close();
  }
}

function isAll({ args }: CommandInput): boolean {
  return args[0] === undefined;
}

/** The end that was asked for; undefined where there is to be none. */
function readEnd(input: CommandInput, spanMs: number | undefined, localZone: string, now: Date): Date | undefined {
  const until = textOption(input, 'until');
  if (until !== undefined && spanMs !== undefined) throw new DbadminError('usage', 'a pause has --until or --for, not both');
  if (spanMs !== undefined) return new Date(now.getTime() + spanMs);
  if (until === undefined) return undefined;
  const end = parseMoment(until, localZone);
  if (end === undefined)
    throw new DbadminError('usage', `--until "${until}" is no moment`, {
      hint: 'Write it as 2026-11-22T06:00, with an offset such as +05:30 where it is not in the time zone of this machine.',
    });
  if (end <= now) throw new DbadminError('usage', `--until ${until} is over: it is ${formatMoment(now, localZone)}`);
  return end;
}
