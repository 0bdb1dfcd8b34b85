/** What the figures are narrowed to, as the query string has it: words of the filters of `dbadmin spotify report`. */

export const FILTERS = ['listener', 'month', 'from', 'to', 'artist', 'album', 'track', 'zone', 'chart'] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<FilterName, string>>>;

/** How a chip names a filter. */
export const FILTER_WORDS: Readonly<Record<FilterName, string>> = {
  listener: 'listener',
  month: 'month',
  from: 'from',
  to: 'to',
  artist: 'artist',
  album: 'album',
  track: 'song',
  zone: 'time zone',
  chart: 'chart',
};

/** The filters in the query of the page. */
export function readFilters(query: Readonly<Record<string, string>>): Filters {
  return Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = query[name]?.trim() ?? '';
      return value === '' ? [] : [[name, value] as const];
    }),
  );
}

/**
 * The stretch of the same length right before, to compare with: the month before a month, as many days before a span of days.
 * Undefined where the filters name no stretch with a beginning and an end.
 */
export function periodBefore(filters: Filters): Filters | undefined {
  const { month, from, to } = filters;
  if (month !== undefined) {
    // A month within a span of days has no month before that says the same.
    if (from !== undefined || to !== undefined || !/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) return undefined;
    const first = new Date(`${month}-01T00:00:00Z`);
    first.setUTCMonth(first.getUTCMonth() - 1);
    return { ...filters, month: first.toISOString().slice(0, 7) };
  }
  if (from === undefined || to === undefined || !isDay(from) || !isDay(to) || from > to) return undefined;
  const days = daysIn(from, to);
  return { ...filters, from: addDays(from, -days), to: addDays(from, -1) };
}

/** What the period before is called: `Sep 2025`, `the 90 days before`. */
export function nameOfBefore(filters: Filters): string {
  if (filters.month !== undefined) return monthName(periodBefore(filters)?.month ?? '');
  const { from = '', to = '' } = filters;
  const days = daysIn(from, to);
  return days === 1 ? 'the day before' : `the ${days} days before`;
}

/** Days from one to another, both included. */
export function daysIn(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS) + 1;
}

export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** `Oct 2025` */
export function monthName(month: string): string {
  return format(`${month.slice(0, 7)}-01`, { month: 'short', year: 'numeric' });
}

/** `4 Oct 2025` */
export function dayName(day: string): string {
  return format(day, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** `4 Oct` */
export function shortDay(day: string): string {
  return format(day, { day: 'numeric', month: 'short' });
}

const DAY_MS = 86_400_000;

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && Number.isFinite(Date.parse(`${text}T00:00:00Z`));
}

function format(day: string, options: Intl.DateTimeFormatOptions): string {
  const at = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(at.getTime()) ? day : new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' }).format(at);
}
