import { NOT_EXPIRED } from '../base/exit-status.ts';
import { shellWord } from '../base/shell-word.ts';
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
  /** Variables of the environment that the project does not work without. */
  readonly variables: readonly string[];
  /** Absolute: a file of `NAME=value` lines that a shell reads before each job; undefined for none. */
  readonly environmentFile: string | undefined;
  /** Why this dbadmin cannot run a job at all, or undefined. */
  readonly refusalOf: (job: Job) => string | undefined;
}

/** A crontab, and the jobs it leaves out with the reason; these stand in it as comments too. */
export interface Crontab {
  readonly text: string;
  readonly lines: readonly { readonly jobs: readonly string[]; readonly line: string; readonly timeZone: string }[];
  readonly omitted: readonly { readonly job: string; readonly reason: string }[];
}

/** What the cron of Debian, Ubuntu and macOS takes of a command: for one that is longer it refuses the whole file. */
const LONGEST_COMMAND = 998;

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
    const command = commandLine(`${guard(job, options.now)}${environment(options)}`, chain.map(options.commandOf));
    if (command.length > LONGEST_COMMAND) {
      leaveOut(job, `its command has ${command.length} characters and cron takes ${LONGEST_COMMAND}: a shorter --program helps`);
      continue;
    }
    const line = `${cronFields(moved.cron).join(' ')} ${command}`;
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

function heading(file: string, { now, localZone, convert, variables, environmentFile }: CrontabOptions): readonly string[] {
  const limits = convert
    ? [`Times are those of ${localZone}, the zone of the machine this was written on.`]
    : [
        'CRON_TZ is read by cronie (Red Hat, Fedora, SUSE, Arch). The cron of Debian, Ubuntu, Alpine and macOS ignores it:',
        `there, export with --convert, which writes times in the machine's own zone (${localZone}) or says why it cannot.`,
      ];
  return [
    `From ${file}, ${formatMoment(now, localZone)}, by dbadmin schedule export --cron. Change the policies, not this, and export again.`,
    ...limits,
    ...(variables.length === 0 || environmentFile !== undefined
      ? []
      : [
          `Cron gives none of what the project takes from the environment: ${variables.join(', ')}.`,
          'Export with --environment-file FILE, or write NAME=value lines below.',
        ]),
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

function environment({ environmentFile }: CrontabOptions): string {
  return environmentFile === undefined ? '' : `set -a && . ${cronWord(environmentFile)} && `;
}

function afterReason(jobs: readonly string[]): string {
  return jobs.length === 1
    ? `it runs after ${jobs[0] ?? ''}, which is not exported either`
    : `it runs after ${jobs.join(' and ')}, and cron cannot wait for several jobs; a worker can`;
}

/** The command, and a success also where all was taken and only older backups or dumps did not expire. */
const taken = (command: string): string => `{ ${command} || [ $? -eq ${NOT_EXPIRED} ]; }`;

/** Commands of which each waits for the success of the one before. Those too long together have what they share written once. */
function commandLine(condition: string, commands: readonly (readonly string[])[]): string {
  const lines = commands.map(cronLine);
  const plain = `${condition}${lines.map((line, at) => (at < lines.length - 1 ? taken(line) : line)).join(' && ')}`;
  const [first = []] = commands;
  const isSame = (at: number): boolean => commands.every((words) => words.length === first.length && words[at] === first[at]);
  const differing = first.findIndex((_word, at) => !isSame(at));
  if (plain.length <= LONGEST_COMMAND || first.some((_word, at) => at !== differing && !isSame(at))) return plain;
  const shared = first.map((word, at) => (at === differing ? '"$1"' : cronWord(word))).join(' ');
  return `job() ${taken(shared)}; ${condition}${commands.map((words) => `job ${cronWord(words[differing] ?? '')}`).join(' && ')}`;
}

function cronLine(words: readonly string[]): string {
  return words.map(cronWord).join(' ');
}

/** A word for sh in a line of cron. Percent signs stand outside of quotes: cron takes their backslash away, and where it does not (BusyBox) the shell does. */
function cronWord(word: string): string {
  if (!word.includes('%')) return shellWord(word);
  return word
    .split('%')
    .map((part) => (part === '' ? '' : shellWord(part)))
    .join(String.raw`\%`);
}
