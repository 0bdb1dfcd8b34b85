/** The rules that keep one backup of each hour, day and so on. */
export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

// Making a formatter takes a millisecond.
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The hour, day, ISO week, month or year in which `moment` falls by the clocks of `timeZone`, as text that is the same for
 * all its moments: `2026-11-21 14:00 +05:30`, `2026-11-21`, `2026-W47`, `2026-11`, `2026`. An hour that comes twice when clocks are set back is two.
 */
export function periodOf(period: Period, moment: Date, timeZone: string): string {
  const parts = partsOf(moment, timeZone);
  const { year = '', month = '', day = '', hour = '' } = parts;
  switch (period) {
    case 'hourly':
      return `${year}-${month}-${day} ${hour}:00 ${(parts['timeZoneName'] ?? '').replace('GMT', '') || '+00:00'}`;
    case 'daily':
      return `${year}-${month}-${day}`;
    case 'weekly':
      return isoWeek(Number(year), Number(month), Number(day));
    case 'monthly':
      return `${year}-${month}`;
    case 'yearly':
      return year;
    default:
      return period satisfies never;
  }
}

function partsOf(moment: Date, timeZone: string): Readonly<Record<string, string>> {
  const known = formats.get(timeZone);
  const format =
    known ??
    new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
    });
  if (known === undefined) formats.set(timeZone, format);
  return Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
}

/** ISO 8601: weeks begin on Monday, and belong to the year that has their Thursday. */
function isoWeek(year: number, month: number, day: number): string {
  const thursday = new Date(Date.UTC(year, month - 1, day));
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const weekYear = thursday.getUTCFullYear();
  const dayOfYear = (thursday.getTime() - Date.UTC(weekYear, 0, 1)) / 86_400_000;
  return `${weekYear}-W${String(Math.floor(dayOfYear / 7) + 1).padStart(2, '0')}`;
}
