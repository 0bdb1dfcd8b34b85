import { DbadminError } from './errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A hundred years: what lies farther from now may be no moment that a date can hold. */
export const LONGEST_DURATION_MS = 36_500 * 86_400_000;

/** A span for people: `0.8 s`, `38 s`, `6 min 10 s`, `7 h 12 min`, `3 d 4 h`. */
export function formatDuration(spanMs: number): string {
  if (spanMs < 1000) return `${Math.max(0, Math.round(spanMs))} ms`;
  if (spanMs < 9950) return `${(spanMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(spanMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  const [large, largeUnit, small, smallUnit] =
    seconds < 3600
      ? [Math.floor(seconds / 60), 'min', seconds % 60, 's']
      : seconds < 86_400
        ? [Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min']
        : [Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3600), 'h'];
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/**
 * The milliseconds in a span such as `5s`, `250ms`, `14d` or `1h30m`.
 *
 * @throws {DbadminError} `config-invalid` when `text` has another form.
 */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|min|[smhdw])\s*/g)];
  const read = parts.map((part) => part[0]).join('');
  if (parts.length === 0 || read !== text.trimStart()) {
    throw new DbadminError('config-invalid', `"${text}" is not a duration`, {
      hint: 'Write numbers with ms, s, m, h, d or w, such as 5s, 14d or 1h30m.',
    });
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * (UNIT_MS[part[2] ?? 'ms'] ?? 1), 0);
}
