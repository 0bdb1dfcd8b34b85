import { cronFields } from '../recurrence.ts';

/** A cron line as the numbers it stands for, each list sorted. */
export interface CronSets {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly months: readonly number[];
  /** 0 is Sunday. */
  readonly weekdays: readonly number[];
  /** Which days count: all, those of the month, those of the week, or those that meet either. */
  readonly dayRule: 'every' | 'day' | 'weekday' | 'either';
  /** Both days are limited, one of them by a `*` with a step: crons differ in whether a day has to meet both or either. */
  readonly isDisputed: boolean;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** The numbers of a cron line that `cronFault` finds nothing wrong with. */
export function cronSets(cron: string): CronSets {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cronFields(cron);
  const dayRule = day === '*' ? (weekday === '*' ? 'every' : 'weekday') : weekday === '*' ? 'day' : 'either';
  return {
    minutes: numbers(minute, 0, 59),
    hours: numbers(hour, 0, 23),
    days: numbers(day, 1, 31),
    months: numbers(month, 1, 12, MONTHS, 1),
    weekdays: [...new Set(numbers(weekday, 0, 7, WEEKDAYS, 0).map((each) => each % 7))].sort((a, b) => a - b),
    dayRule,
    isDisputed: dayRule === 'either' && (day.startsWith('*') || weekday.startsWith('*')),
  };
}

function numbers(field: string, least: number, most: number, names: readonly string[] = [], firstName = 0): readonly number[] {
  const valueOf = (text: string): number => {
    const index = names.indexOf(text.toLowerCase());
    return index < 0 ? Number(text) : index + firstName;
  };
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step] = part.split('/');
    const [from, to] = range === '*' ? [String(least), String(most === 7 ? 6 : most)] : range.split('-');
    const first = valueOf(from ?? '');
    // A number with a step begins there and goes on to the end.
    const last = to === undefined ? (step === undefined ? first : most) : valueOf(to);
    for (let value = first; value <= last; value += Number(step ?? 1)) found.add(value);
  }
  return [...found].sort((a, b) => a - b);
}

/** Whether a day of the calendar is one of them. */
export function isDayOf(sets: CronSets, month: number, day: number, weekday: number): boolean {
  if (!sets.months.includes(month)) return false;
  const byDay = sets.days.includes(day);
  const byWeekday = sets.weekdays.includes(weekday);
  return sets.dayRule === 'either' ? byDay || byWeekday : (sets.dayRule !== 'day' || byDay) && (sets.dayRule !== 'weekday' || byWeekday);
}
