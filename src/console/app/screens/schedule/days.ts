/** Days as the history names them, `2026-11-21`: no zone is left to ask about. */

function format(day: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`)).replace(',', '');
}

/** `Sat 21 Nov` */
export function dayWords(day: string): string {
  return format(day, { weekday: 'short', day: 'numeric', month: 'short' });
}

export function letterOf(day: string): string {
  return format(day, { weekday: 'narrow' });
}

export function isWeekend(day: string): boolean {
  return [0, 6].includes(new Date(`${day}T00:00:00Z`).getUTCDay());
}

/** The day of a moment, as clocks in `timeZone` have it. */
export function dayOf(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(iso));
}
