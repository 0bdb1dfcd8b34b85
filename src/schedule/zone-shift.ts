import { cronFields, offsetMinutes, type Recurrence } from './recurrence.ts';

const YEARS_AHEAD = 10;
const DAY_MINUTES = 24 * 60;

/**
 * The cron line that gives the same moments on a machine in `localZone`, or the reason why there is none.
 *
 * There is one where both zones stay equally far apart for ten years, hour and minute are plain numbers, and the day does
 * not change, or only the weekday has to change with it.
 */
export function shiftZone(
  { cron, timeZone }: Recurrence,
  localZone: string,
  now: Date,
): { readonly cron: string } | { readonly refusal: string } {
  const shift = constantDistance(timeZone, localZone, now);
  if (shift === undefined) return { refusal: `${timeZone} and ${localZone} change their clocks on different days` };
  if (shift === 0) return { cron };
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cronFields(cron);
  if (hour === '*' && shift % 60 === 0) {
    return day === '*' && month === '*' && weekday === '*'
      ? { cron }
      : { refusal: 'the days of an hourly line begin at another hour here' };
  }
  if (!/^\d+$/.test(minute) || !/^\d+(,\d+)*$/.test(hour)) return { refusal: 'only plain hours and minutes can be moved to another zone' };
  const moved = hour.split(',').map((text) => Number(text) * 60 + Number(minute) + shift);
  const days = moved.map((minutes) => Math.floor(minutes / DAY_MINUTES));
  const dayShift = days[0] ?? 0;
  if (days.some((other) => other !== dayShift)) return { refusal: 'some of its hours fall on another day here' };
  if (dayShift !== 0 && (day !== '*' || month !== '*')) return { refusal: 'it falls on another day of the month here' };
  const movedWeekday = dayShift === 0 || weekday === '*' ? weekday : shiftWeekdays(weekday, dayShift);
  if (movedWeekday === undefined) return { refusal: 'its weekdays are not plain numbers and fall on another day here' };
  const withinDay = moved.map((minutes) => minutes - dayShift * DAY_MINUTES).sort((left, right) => left - right);
  const hours = withinDay.map((minutes) => Math.floor(minutes / 60));
  return { cron: [(withinDay[0] ?? 0) % 60, hours.join(','), day, month, movedWeekday].join(' ') };
}

/** Minutes by which local clocks are ahead of those of the zone, if that never changes in ten years. A week is shorter than any summer time. */
function constantDistance(timeZone: string, localZone: string, now: Date): number | undefined {
  if (timeZone === localZone) return 0;
  const distanceAt = (moment: Date): number => offsetMinutes(localZone, moment) - offsetMinutes(timeZone, moment);
  const distance = distanceAt(now);
  for (let day = 7; day <= YEARS_AHEAD * 366; day += 7) {
    if (distanceAt(new Date(now.getTime() + day * DAY_MINUTES * 60_000)) !== distance) return undefined;
  }
  return distance;
}

function shiftWeekdays(weekday: string, dayShift: number): string | undefined {
  if (!/^\d(,\d)*$/.test(weekday)) return undefined;
  return weekday
    .split(',')
    .map((text) => (Number(text) + dayShift + 7) % 7)
    .sort((left, right) => left - right)
    .join(',');
}
