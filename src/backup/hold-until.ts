import { parseDuration } from '../base/durations.ts';
import { DbadminError } from '../base/errors.ts';
import { parseMoment } from './restore/target.ts';

/**
 * Until when a hold is to keep its backup: a moment as restore takes them, or how long from now (`90d`, `12 h`).
 *
 * @throws {DbadminError} `time-invalid` for a text that is neither, `usage` for a moment that has passed.
 */
export function parseHoldUntil(text: string, now: Date): Date {
  const until = /^\d+(\.\d+)?\s*(s|m|min|h|d|w)$/.test(text.trim())
    ? new Date(now.getTime() + parseDuration(text))
    : parseMoment(text, now);
  if (Number.isNaN(until.getTime())) throw new DbadminError('time-invalid', `--until ${text} is farther away than any time there is`);
  if (until > now) return until;
  throw new DbadminError('usage', `--until ${text} has passed already`);
}
