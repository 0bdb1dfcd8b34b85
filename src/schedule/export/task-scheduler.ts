import { describeWork, type Job, type Policies, type Reception } from '../policies.ts';
import type { Recurrence } from '../recurrence.ts';
import { periodBounds } from '../upcoming.ts';
import { shiftZone } from '../zone-shift.ts';
import { clockChanges } from './clock-changes.ts';
import { cronSets } from './cron-sets.ts';
import { planExport, type Omitted } from './plan.ts';
import { taskTriggers } from './task-triggers.ts';

/** Every rule of a zone comes by within this time. */
const YEARS_AHEAD = 2;
const LOCAL_SERVICE = 'S-1-5-19';

export interface TaskSchedulerOptions {
  readonly now: Date;
  /** Zone of the machine that the tasks are for. */
  readonly localZone: string;
  readonly refusalOf: (job: Job) => string | undefined;
  readonly commandOf: (job: Job) => readonly string[];
  readonly receiveCommandOf: (reception: Reception) => readonly string[];
  readonly receptions: readonly Reception[];
  readonly directory: string;
  /** Account name or SID; the local service account unless given. */
  readonly user: string | undefined;
}

/** Definitions to be registered one by one, and what they leave out. */
export interface ScheduledTasks {
  /** XML by the name of its file. */
  readonly files: ReadonlyMap<string, string>;
  readonly omitted: readonly Omitted[];
}

/**
 * Definitions for Windows' Task Scheduler, version 1.2 of its schema.
 *
 * @see https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
 */
export function scheduledTasks(policies: Policies, options: TaskSchedulerOptions): ScheduledTasks {
  const triggersOf = new Map<string, string>();
  const { exported, omitted } = planExport(policies, {
    refusalOf: options.refusalOf,
    afterLimit: 'it runs after others, and Task Scheduler does not know whether a task succeeded: a worker does',
    limitOf: (job, recurrence) => {
      const triggers = triggersIn(job, recurrence, options);
      if ('refusal' in triggers) return triggers.refusal;
      triggersOf.set(job.name, triggers.xml);
      return undefined;
    },
  });
  const files = new Map<string, string>();
  for (const { job } of exported) {
    files.set(
      `dbadmin-${job.name}.xml`,
      task(
        {
          about: `dbadmin ${job.name}: ${describeWork(job.work)}`,
          triggers: triggersOf.get(job.name) ?? '',
          settings: jobSettings(job),
          command: options.commandOf(job),
        },
        options,
      ),
    );
  }
  for (const reception of options.receptions) {
    const about = `dbadmin ${reception.name}: receive the WAL of ${reception.cluster}`;
    const command = options.receiveCommandOf(reception);
    files.set(`dbadmin-${reception.name}.xml`, task({ about, triggers: BOOT, settings: settingsXml(true), command }, options));
  }
  return { files, omitted };
}

/** At the start of the machine, and asked for once a minute from then on: nothing happens while it runs. */
const BOOT =
  '    <BootTrigger>\n      <Enabled>true</Enabled>\n      <Repetition><Interval>PT1M</Interval></Repetition>\n    </BootTrigger>';

function triggersIn(
  job: Job,
  recurrence: Recurrence,
  options: TaskSchedulerOptions,
): { readonly xml: string } | { readonly refusal: string } {
  const { localZone, now } = options;
  const moved = shiftZone(recurrence, localZone, now);
  if ('refusal' in moved)
    return {
      refusal: `Task Scheduler knows the time zone of its machine only (${localZone}), and ${moved.refusal}: timezone: ${localZone}, or --time-zone for another machine`,
    };
  if (cronSets(moved.cron).dayRule === 'either' && cronSets(moved.cron).isDisputed)
    return { refusal: 'days of month and of week are both limited, one of them by a step: write the days out' };
  const local = { cron: moved.cron, timeZone: localZone };
  const odd = clockChanges(local, now, YEARS_AHEAD).find(
    ({ ours, shownEach }) => ours.size !== shownEach.size || [...ours].some((moment) => !shownEach.has(moment)),
  );
  if (odd !== undefined)
    return {
      refusal: `what Task Scheduler does with it when clocks of ${localZone} change, next on ${odd.at.toISOString().slice(0, 10)}, is not ours: move it out of those hours`,
    };
  const { from, until } = periodBounds(job.period, now);
  const triggers = taskTriggers(moved.cron, {
    start: localDay(from ?? now, localZone),
    from: wall(from, localZone),
    until: wall(until, localZone),
  });
  return triggers;
}

/** The day of a moment as clocks in a zone have it. */
function localDay(moment: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(moment);
}

function wall(moment: Date | undefined, timeZone: string): string | undefined {
  if (moment === undefined) return undefined;
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(moment).replace(' ', 'T');
}

interface Task {
  readonly about: string;
  readonly triggers: string;
  readonly settings: string;
  readonly command: readonly string[];
}

function task({ about, triggers, settings, command }: Task, { user, directory }: TaskSchedulerOptions): string {
  const [program = '', ...words] = command;
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Author>dbadmin schedule export --task-scheduler</Author>
    <Description>${xml(about)}. Change the policies, not this, and export again.</Description>
  </RegistrationInfo>
  <Triggers>
${triggers}
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${xml(user ?? LOCAL_SERVICE)}</UserId>
${user === undefined ? '' : '      <LogonType>S4U</LogonType>\n'}      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
${settings}
  <Actions Context="Author">
    <Exec>
      <Command>${xml(program)}</Command>
      <Arguments>${xml(words.map((word) => windowsWord(word)).join(' '))}</Arguments>
      <WorkingDirectory>${xml(directory)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`.replaceAll('\n', '\r\n');
}

function jobSettings({ catchUp }: Job): string {
  return settingsXml(catchUp !== 'none');
}

/** schedule run makes the attempts itself; there is no time after which a backup is too long. */
function settingsXml(startWhenAvailable: boolean): string {
  return `  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>${String(startWhenAvailable)}</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
  </Settings>`;
}

/** A word as the C runtime of Windows takes a command line apart: backslashes count only before a quote. */
function windowsWord(word: string): string {
  if (word !== '' && !/[\s"]/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, String.raw`$1$1\"`).replace(/(\\+)$/, '$1$1')}"`;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
