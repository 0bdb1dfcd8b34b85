import type { Measure } from './section.ts';

const MINUTE_MS = 60_000;

/** A value for people: digits in groups, spans in hours and minutes. NULL is nothing. */
export function shown(measure: Measure, value: string | null): string {
  if (value === null) return '';
  switch (measure) {
    case 'count':
      return Number(value).toLocaleString('en');
    case 'decimal':
      return Number(value).toLocaleString('en', { maximumFractionDigits: 2 });
    case 'percent':
      return `${Number(value).toLocaleString('en', { maximumFractionDigits: 1 })} %`;
    case 'span':
      return formatSpan(Number(value));
    case 'change':
      return formatChange(Number(value));
    case 'flag':
      return value === 'true' || value === 't' ? 'yes' : '';
    case 'text':
    case 'day':
    case 'moment':
    case 'key':
      return value;
  }
}

/** Whether values stand right. */
export function isNumeric(measure: Measure): boolean {
  return measure !== 'text' && measure !== 'day' && measure !== 'moment' && measure !== 'flag';
}

/** `12 h 04 min`, `4 min`. */
export function formatSpan(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  return `${hours.toLocaleString('en')} h ${String(minutes % 60).padStart(2, '0')} min`;
}

function formatChange(places: number): string {
  if (places === 0) return '0';
  return places > 0 ? `+${places}` : `−${Math.abs(places)}`;
}
