import { parseDuration } from '../../../../base/durations.ts';
import { parseTyped, type Typed } from './zoned-time.ts';

/**
 * Until when a hold is asked to last: what `dbadmin backup hold --until` takes, a moment or how long from now, read by the clock
 * of `timeZone`. What has passed is refused, as there.
 */
export function parseUntil(text: string, timeZone: string, nowMs: number): Typed {
  const isSpan = /^\d+(\.\d+)?\s*(s|m|min|h|d|w)$/.test(text.trim());
  const until: Typed = isSpan ? { kind: 'moment', atMs: nowMs + parseDuration(text) } : parseTyped(text, timeZone);
  if (until.kind === 'moment') return until.atMs > nowMs ? until : { kind: 'refused', why: 'That has passed already.' };
  return /^\s*\d{4}-/.test(text)
    ? until
    : { kind: 'refused', why: 'Write a time like 2026-11-21 14:03:07, or how long from now: 90d, 12h.' };
}
