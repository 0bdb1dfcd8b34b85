import { cronSets, type CronSets } from './cron-sets.ts';

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
/** More than so many a task may not have. */
const MOST_TRIGGERS = 48;

interface Bounds {
  /** `2026-11-21`, from which on the times count. */
  readonly start: string;
  /** Local time without offset, when the period begins or ends within a day. */
  readonly from: string | undefined;
  readonly until: string | undefined;
}

/** Local times at which something begins, and how it repeats from there. */
interface Start {
  readonly hour: number;
  readonly minute: number;
  readonly repetition: { readonly everyMinutes: number; readonly forMinutes: number } | undefined;
}

/** The calendar triggers of a cron line in the machine's own zone. */
export function taskTriggers(cron: string, bounds: Bounds): { readonly xml: string } | { readonly refusal: string } {
  const sets = cronSets(cron);
  const starts = startsOf(sets);
  const days = daysOf(sets);
  if (starts.length * days.length > MOST_TRIGGERS) {
    return {
      refusal: `it would take ${starts.length * days.length} triggers and Task Scheduler has ${MOST_TRIGGERS} a task: write the minutes as a step that divides the hour`,
    };
  }
  return { xml: starts.flatMap((start) => days.map((day) => trigger(start, day, bounds))).join('\n') };
}

/** One start a day where an hour's minutes go on evenly through the day, one an hour where they do within the hour, else one a time. */
function startsOf({ hours, minutes }: CronSets): readonly Start[] {
  const step = evenStep(minutes);
  const [first = 0] = minutes;
  const goesOn = step !== undefined && first < step && 60 % step === 0 && minutes.length * step === 60;
  if (hours.length === 24 && goesOn) return [{ hour: 0, minute: first, repetition: { everyMinutes: step, forMinutes: 24 * 60 - first } }];
  if (hours.length === 24 && minutes.length === 1)
    return [{ hour: 0, minute: first, repetition: { everyMinutes: 60, forMinutes: 24 * 60 - first } }];
  return hours.flatMap((hour): readonly Start[] =>
    step === undefined
      ? minutes.map((minute) => ({ hour, minute, repetition: undefined }))
      : [{ hour, minute: first, repetition: { everyMinutes: step, forMinutes: (minutes.length - 1) * step + 1 } }],
  );
}

function evenStep(minutes: readonly number[]): number | undefined {
  const step = (minutes[1] ?? 0) - (minutes[0] ?? 0);
  return minutes.length > 1 && minutes.every((minute, index) => minute === (minutes[0] ?? 0) + index * step) ? step : undefined;
}

function daysOf(sets: CronSets): readonly string[] {
  const { dayRule, days, months, weekdays } = sets;
  const monthList = `<Months>${months.map((month) => `<${MONTHS[month - 1]} />`).join('')}</Months>`;
  const dayList = `<DaysOfMonth>${days.map((day) => `<Day>${day}</Day>`).join('')}</DaysOfMonth>`;
  const weekdayList = `<DaysOfWeek>${weekdays.map((day) => `<${WEEKDAYS[day]} />`).join('')}</DaysOfWeek>`;
  const byMonth = `<ScheduleByMonth>${dayList}${monthList}</ScheduleByMonth>`;
  const byWeekday =
    months.length === 12
      ? `<ScheduleByWeek>${weekdayList}<WeeksInterval>1</WeeksInterval></ScheduleByWeek>`
      : `<ScheduleByMonthDayOfWeek><Weeks>${['1', '2', '3', '4', 'Last'].map((week) => `<Week>${week}</Week>`).join('')}</Weeks>${weekdayList}${monthList}</ScheduleByMonthDayOfWeek>`;
  if (dayRule === 'weekday') return [byWeekday];
  if (dayRule === 'either') return [byMonth, byWeekday];
  return [dayRule === 'every' && months.length === 12 ? '<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>' : byMonth];
}

function trigger({ hour, minute, repetition }: Start, days: string, { start, until, from }: Bounds): string {
  const pad = (value: number): string => String(value).padStart(2, '0');
  const first = `${start}T${pad(hour)}:${pad(minute)}:00`;
  const repeats =
    repetition === undefined
      ? []
      : [
          `<Repetition><Interval>PT${repetition.everyMinutes}M</Interval><Duration>PT${repetition.forMinutes}M</Duration><StopAtDurationEnd>false</StopAtDurationEnd></Repetition>`,
        ];
  // A start of the period within its first day: schedule run itself does nothing before it.
  const about = from === undefined ? [] : [`<!-- not before ${from}: dbadmin schedule run sees to that -->`];
  return [
    '    <CalendarTrigger>',
    ...[
      ...about,
      // In the order of the published schema, which is not the one in which Windows itself writes them.
      '<Enabled>true</Enabled>',
      `<StartBoundary>${first}</StartBoundary>`,
      ...(until === undefined ? [] : [`<EndBoundary>${until}</EndBoundary>`]),
      ...repeats,
      days,
    ].map((line) => `      ${line}`),
    '    </CalendarTrigger>',
  ].join('\n');
}
