import { cronSets } from './export/cron-sets.ts';
import { describeWork, type Job, type Policies } from './policies.ts';
import { cronFields, formatMoment } from './recurrence.ts';
import { followers, periodBounds } from './upcoming.ts';
import { shiftZone } from './zone-shift.ts';

export interface CrontabOptions {
  readonly now: Date;
  /** Zone of the machine whose cron reads this. */
  readonly localZone: string;
  /** Move times to the machine's zone instead of naming another with CRON_TZ. */
  readonly convert: boolean;
  /** The words of a shell that run a job, unquoted and absolute: `/usr/bin/dbadmin schedule run NAME --config FILE`. */
  readonly commandOf: (job: Job) => readonly string[];
  /** Why this dbadmin cannot run a job at all, or undefined. */
  readonly refusalOf: (job: Job) => string | undefined;
}

/** A crontab, and the jobs it leaves out with the reason; these stand in it as comments too. */
export interface Crontab {
  readonly text: string;
  readonly lines: readonly { readonly jobs: readonly string[]; readonly line: string; readonly timeZone: string }[];
  readonly omitted: readonly { readonly job: string; readonly reason: string }[];
}

/** A crontab for an ordinary user's `crontab -`. What cron cannot express is said in comments beside it, never dropped. */
export function renderCrontab(policies: Policies, options: CrontabOptions): Crontab {
  const { jobs } = policies;
  const text = [...heading(policies.file, options)];
  const lines: Crontab['lines'][number][] = [];
  const omitted: Crontab['omitted'][number][] = [];
  let zone: string | undefined;
  const leaveOut = (job: Job, reason: string): void => {
    omitted.push({ job: job.name, reason });
    text.push('', `# ${job.name}: ${describeWork(job.work)}`, `#   NOT EXPORTED: ${reason}.`);
  };
  for (const job of jobs) {
    if (job.trigger.kind === 'after') continue;
    const refusal = refusalOf(job, options);
    const moved = options.convert
      ? shiftZone(job.trigger.recurrence, options.localZone, options.now)
      : { cron: job.trigger.recurrence.cron };
    if (refusal !== undefined || 'refusal' in moved) {
      leaveOut(job, refusal ?? ('refusal' in moved ? moved.refusal : ''));
      continue;
    }
    const chain = [job, ...followers(job, jobs)].filter((other, index) => index === 0 || refusalOf(other, options) === undefined);
    const timeZone = options.convert ? options.localZone : job.trigger.recurrence.timeZone;
    const line = `${cronFields(moved.cron).join(' ')} ${guard(job, options.now)}${chain.map((one) => shellLine(options.commandOf(one))).join(' && ')}`;
    text.push('', ...remarks(job, chain.slice(1)));
    // One assignment holds for all lines below it, so the machine's own zone has to be named again after another.
    if (timeZone !== (zone ?? options.localZone)) {
      text.push(`CRON_TZ=${timeZone}`);
      zone = timeZone;
    }
    text.push(line);
    lines.push({ jobs: chain.map(({ name }) => name), line, timeZone });
  }
  const exported = new Set(lines.flatMap((line) => line.jobs));
  for (const job of jobs) {
    if (job.trigger.kind === 'after' && !exported.has(job.name)) leaveOut(job, refusalOf(job, options) ?? afterReason(job.trigger.jobs));
  }
  return { text: `${text.join('\n')}\n`, lines, omitted };
}

function refusalOf(job: Job, options: CrontabOptions): string | undefined {
  if (job.paused) return 'it is paused (pause: true)';
  if (job.trigger.kind !== 'after' && cronSets(job.trigger.recurrence.cron).isDisputed)
    return 'cron takes days of month and of week together where one begins with *, we take either: write the days out';
  return options.refusalOf(job);
}

function heading(file: string, { now, localZone, convert }: CrontabOptions): readonly string[] {
  const limits = convert
    ? [`Times are those of ${localZone}, the zone of the machine this was written on.`]
    : [
        'CRON_TZ is read by cronie (Red Hat, Fedora, SUSE, Arch). The cron of Debian, Ubuntu, Alpine and macOS ignores it:',
        `there, export with --convert, which writes times in the machine's own zone (${localZone}) or says why it cannot.`,
      ];
  return [
    `From ${file}, ${formatMoment(now, localZone)}, by dbadmin schedule export --cron. Change the policies, not this, and export again.`,
    ...limits,
    'Cron does not catch up on what was missed while the machine was off, and mails what a job prints on failure to MAILTO.',
  ].map((line) => `# ${line}`);
}

function remarks(job: Job, after: readonly Job[]): readonly string[] {
  return [
    `# ${job.name}: ${describeWork(job.work)}`,
    ...(job.catchUp !== 'none' ? ['#   catch_up is not kept: cron does not run what was missed.'] : []),
    ...after.map((other) => `#   then ${other.name}: ${describeWork(other.work)} (after its success, in the same line)`),
  ];
}

/** What stops a line from running outside the job's period; `%` is a line's end to cron unless escaped. */
function guard(job: Job, now: Date): string {
  const { from, until } = periodBounds(job.period, now);
  const seconds = (moment: Date): number => Math.floor(moment.getTime() / 1000);
  return [
    ...(from === undefined || from <= now ? [] : [`[ "$(date +\\%s)" -ge ${seconds(from)} ] && `]),
    ...(until === undefined ? [] : [`[ "$(date +\\%s)" -lt ${seconds(until)} ] && `]),
  ].join('');
}

function afterReason(jobs: readonly string[]): string {
  return jobs.length === 1
    ? `it runs after ${jobs[0] ?? ''}, which is not exported either`
    : `it runs after ${jobs.join(' and ')}, and cron cannot wait for several jobs; a worker can`;
}

function shellLine(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`).replaceAll('%', String.raw`\%`))
    .join(' ');
}
