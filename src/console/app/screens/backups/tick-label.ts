import type { Tick } from './time-scale.ts';

const FORMATS: Readonly<Record<Tick['unit'], Intl.DateTimeFormatOptions>> = {
  second: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  minute: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { weekday: 'short', day: 'numeric', month: 'short' },
  month: { month: 'short', year: 'numeric' },
};
const formats = new Map<string, Intl.DateTimeFormat>();

/** `14:03:07`, `14:03`, `Sat 21 Nov`, `Nov 2026`: as much as is new at that line. */
export function tickLabel({ atMs, unit }: Tick, timeZone: string): string {
  const key = `${unit} ${timeZone}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', { ...FORMATS[unit], timeZone });
  formats.set(key, format);
  return format.format(atMs).replace(',', '');
}
