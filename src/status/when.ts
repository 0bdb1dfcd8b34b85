const DAY_MS = 86_400_000;
const NEAR_DAYS = 6;

/** `today 04:00`, `tomorrow 02:00`, `Tuesday 04:00` within six days of `now`, else `Sun 15 Nov 2026 04:00`; as clocks in `timeZone` show it. */
export function describeWhen(moment: Date, now: Date, timeZone: string): string {
  const part = (at: Date, options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat('en-GB', { ...options, timeZone }).format(at);
  const time = part(moment, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const day = (at: Date): string => part(at, { year: 'numeric', month: '2-digit', day: '2-digit' });
  const days = [
    ['today', now],
    ['yesterday', new Date(now.getTime() - DAY_MS)],
    ['tomorrow', new Date(now.getTime() + DAY_MS)],
  ] as const;
  const near = days.find(([, at]) => day(at) === day(moment));
  if (near !== undefined) return `${near[0]} ${time}`;
  if (Math.abs(moment.getTime() - now.getTime()) < NEAR_DAYS * DAY_MS) return `${part(moment, { weekday: 'long' })} ${time}`;
  return `${part(moment, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).replace(',', '')} ${time}`;
}
