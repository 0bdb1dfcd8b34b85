/** Moments and counts in the words of the screens. */

const DAY_MS = 86_400_000;

export interface Shown {
  readonly now: Date;
  readonly timeZone: string;
}

/** Making one costs a hundred times as much as using it, and tables have thousands of moments. */
const FORMATS = new Map<string, Intl.DateTimeFormat>();

function parts(moment: Date, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${timeZone} ${JSON.stringify(options)}`;
  const format = FORMATS.get(key) ?? new Intl.DateTimeFormat('en-GB', { ...options, timeZone });
  FORMATS.set(key, format);
  return format.format(moment).replace(',', '');
}

const TIME = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;

/** `14:03:22`, or with its day when that is not today: `Sat 21 Nov 14:03:22`. To the second where a restore depends on it. */
export function moment(iso: string, { now, timeZone }: Shown, exact = false): string {
  const at = new Date(iso);
  const time = parts(at, timeZone, exact ? { ...TIME, second: '2-digit' } : TIME);
  const day = parts(at, timeZone, { weekday: 'short', day: 'numeric', month: 'short' });
  if (day === parts(now, timeZone, { weekday: 'short', day: 'numeric', month: 'short' })) return `today ${time}`;
  const year = parts(at, timeZone, { year: 'numeric' });
  return year === parts(now, timeZone, { year: 'numeric' }) ? `${day} ${time}` : `${day} ${year} ${time}`;
}

/** `6 Nov`; a time when the axis is shorter than two days, with seconds when it is shorter than ten minutes. */
export function axisLabel(at: Date, spanMs: number, timeZone: string): string {
  if (spanMs < 600_000) return parts(at, timeZone, { ...TIME, second: '2-digit' });
  return parts(at, timeZone, spanMs < 2 * DAY_MS ? TIME : { day: 'numeric', month: 'short' });
}

/** The clock of the frame: `Sat 21 Nov 2026` and `18:48:03`. */
export function clock(now: Date, timeZone: string): readonly [string, string] {
  return [
    parts(now, timeZone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }),
    parts(now, timeZone, { ...TIME, second: '2-digit', ...(timeZone === 'UTC' ? {} : { timeZoneName: 'shortOffset' }) }),
  ];
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
