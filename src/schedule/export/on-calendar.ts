import type { Recurrence } from '../recurrence.ts';
import { clockChanges } from './clock-changes.ts';
import { cronSets } from './cron-sets.ts';

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const YEARS_AHEAD = 10;

/** `OnCalendar=` expressions, and what they cannot say. */
export interface OnCalendar {
  readonly expressions: readonly string[];
  /** Single moments around changes of the clock, at which systemd's own rules are others than ours; for ten years. */
  readonly exceptions: readonly string[];
}

/**
 * The times of a recurrence as systemd has them.
 *
 * systemd skips a time that a change of the clock skips, and the second of two equal hours; we have neither, so those moments
 * are written out. Two expressions that meet at a moment start a service once.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html
 */
export function onCalendar(recurrence: Recurrence, now: Date): OnCalendar | { readonly refusal: string } {
  const { minutes, hours, days, months, weekdays, dayRule } = cronSets(recurrence.cron);
  const time = `${list(hours, 24)}:${list(minutes, 60)}:00 ${recurrence.timeZone}`;
  const month = list(months, 12);
  const ofDays = `*-${month}-${list(days, 31)} ${time}`;
  const ofWeekdays = `${weekdays.length === 7 ? '' : `${weekdays.map((each) => WEEKDAYS[each]).join(',')} `}*-${month}-* ${time}`;
  const expressions = { every: [ofDays], day: [ofDays], weekday: [ofWeekdays], either: [ofDays, ofWeekdays] }[dayRule];
  const lacking: number[] = [];
  for (const { at, ours, shownFirst } of clockChanges(recurrence, now, YEARS_AHEAD)) {
    if ([...shownFirst].some((moment) => !ours.has(moment)))
      return { refusal: `systemd would run it once too often when clocks change on ${at.toISOString().slice(0, 10)}: timezone: UTC` };
    lacking.push(...[...ours].filter((moment) => !shownFirst.has(moment)));
  }
  return { expressions, exceptions: momentsOf(lacking) };
}

/** One expression an hour. */
function momentsOf(moments: readonly number[]): readonly string[] {
  const byHour = new Map<string, string[]>();
  for (const moment of moments) {
    const text = new Date(moment).toISOString();
    const hour = text.slice(0, 13).replace('T', ' ');
    byHour.set(hour, [...(byHour.get(hour) ?? []), text.slice(14, 16)]);
  }
  return [...byHour].map(([hour, minutes]) => `${hour}:${minutes.join(',')}:00 UTC`);
}

function list(values: readonly number[], all: number): string {
  return values.length === all ? '*' : values.map((value) => String(value).padStart(2, '0')).join(',');
}
