import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { parseDuration } from '../../base/durations.ts';
import { parseLsn } from '../../postgres/lsn.ts';

/** Where a recovery is asked to end. */
export type RestoreTarget =
  | {
      readonly kind: 'time';
      readonly at: Date;
      /** What was said beyond its milliseconds, 0 to 999: commit times have microseconds. */
      readonly microseconds?: number;
    }
  | { readonly kind: 'lsn'; readonly lsn: bigint }
  | { readonly kind: 'xid'; readonly xid: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'immediate' }
  | { readonly kind: 'latest' };

export type TimeTarget = Extract<RestoreTarget, { readonly kind: 'time' }>;

/** What `restore`'s options said, as text. */
export interface TargetOptions {
  readonly to: string | undefined;
  readonly toLsn: string | undefined;
  readonly toXid: string | undefined;
  readonly toName: string | undefined;
  readonly toLatest: boolean;
  readonly immediate: boolean;
}

/**
 * The target that the options name; exactly one must be given.
 *
 * @throws {DbadminError} `usage` for none or several, or for a value that is none; `time-invalid`.
 */
export function parseTarget(options: TargetOptions, now: Date): RestoreTarget {
  const given: RestoreTarget[] = [];
  if (options.to !== undefined) given.push(timeTarget(options.to, now));
  if (options.toLsn !== undefined) given.push({ kind: 'lsn', lsn: parsePosition(options.toLsn) });
  if (options.toXid !== undefined) given.push({ kind: 'xid', xid: parseXid(options.toXid) });
  if (options.toName !== undefined) given.push({ kind: 'name', name: options.toName });
  if (options.toLatest) given.push({ kind: 'latest' });
  if (options.immediate) given.push({ kind: 'immediate' });
  const [only] = given;
  if (only !== undefined && given.length === 1) return only;
  throw new DbadminError('usage', given.length === 0 ? 'restore needs a moment to restore to' : 'restore takes one target, not several', {
    hint: 'Give one of --to TIME, --to-latest, --to-lsn, --to-xid, --to-name, --immediate.',
  });
}

/**
 * The moment that a text names as a target, to the microsecond.
 *
 * @throws {DbadminError} as {@link parseMoment}.
 */
export function timeTarget(text: string, now: Date): TimeTarget {
  const microseconds = Number((STAMP.exec(text.trim())?.[7] ?? '').padEnd(6, '0').slice(3));
  return { kind: 'time', at: parseMoment(text, now), ...(microseconds === 0 ? {} : { microseconds }) };
}

/** A time target as the WAL has its times: microseconds since 1970. */
export function targetUs({ at, microseconds = 0 }: Omit<TimeTarget, 'kind'>): bigint {
  return BigInt(at.getTime()) * 1000n + BigInt(microseconds);
}

/** As {@link parseLsn}, of what somebody typed: in a repository such a position is damage, and no wrong usage. */
function parsePosition(text: string): bigint {
  try {
    return parseLsn(text);
  } catch (error) {
    if (!isDbadminError(error, 'lsn-invalid')) throw error;
    throw new DbadminError('usage', error.message, { hint: error.hint, cause: error });
  }
}

function parseXid(text: string): string {
  if (/^\d+$/.test(text)) return text;
  throw new DbadminError('usage', `"${text}" is not a transaction id`, { hint: 'It is a number, as pg_current_xact_id() gives it.' });
}

const STAMP = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/i;

const FORMS = 'Write it like "2026-11-20 14:03:07+05:30", "2026-11-20 14:03:07" (local zone) or "5 minutes ago".';
/** As PostgreSQL has it: no zone is farther from UTC. */
const FARTHEST_OFFSET_MS = 16 * 3_600_000;

/**
 * The moment that a text names: `2026-11-20 14:03:07+05:30`, the same without an offset in the local zone, or
 * `5 minutes ago`, `2h ago`, `now`. Milliseconds are kept.
 *
 * @throws {DbadminError} `time-invalid` when it is neither, does not exist, or happened twice (daylight saving).
 */
export function parseMoment(text: string, now: Date): Date {
  const trimmed = text.trim();
  if (/^now$/i.test(trimmed)) return now;
  const ago = /^(\d+(?:\.\d+)?)\s*(ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?|w|weeks?)\s+ago$/i.exec(trimmed);
  if (ago !== null) {
    const moment = new Date(now.getTime() - parseDuration(`${ago[1]}${unitOf(ago[2] ?? '')}`));
    if (!Number.isNaN(moment.getTime())) return moment;
    throw new DbadminError('time-invalid', `there is no time "${text}"`, { hint: FORMS });
  }
  const stamp = STAMP.exec(trimmed);
  if (stamp === null) {
    throw new DbadminError('time-invalid', `"${text}" is not a time`, { hint: FORMS });
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = stamp.slice(1, 7).map((part) => Number(part ?? 0));
  const milliseconds = Number((stamp[7] ?? '').padEnd(3, '0').slice(0, 3));
  const wall = Date.UTC(year, month - 1, day, hour, minute, second, milliseconds);
  const check = new Date(wall);
  if (
    check.getUTCMonth() !== month - 1 ||
    check.getUTCDate() !== day ||
    check.getUTCHours() !== hour ||
    check.getUTCMinutes() !== minute ||
    second > 59
  ) {
    throw new DbadminError('time-invalid', `there is no time "${text}"`, { hint: FORMS });
  }
  if (stamp[8] === undefined) return localMoment(wall, text);
  const offset = offsetMs(stamp[8]);
  if (offset === undefined) throw new DbadminError('time-invalid', `no zone has the offset of "${text}" from UTC`, { hint: FORMS });
  return new Date(wall - offset);
}

function unitOf(word: string): string {
  const lower = word.toLowerCase();
  if (lower.startsWith('ms')) return 'ms';
  return lower.charAt(0);
}

/** Undefined for one that no zone has. */
function offsetMs(text: string): number | undefined {
  if (/^(z|utc)$/i.test(text)) return 0;
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(text);
  const minutes = Number(match?.[3] ?? 0);
  const distance = (Number(match?.[2] ?? 0) * 60 + minutes) * 60_000;
  if (minutes > 59 || distance >= FARTHEST_OFFSET_MS) return undefined;
  return match?.[1] === '-' ? -distance : distance;
}

/** The moment whose local clock reading is `wall` (milliseconds as if UTC). */
function localMoment(wall: number, text: string): Date {
  const offsets = new Set([-86_400_000, 86_400_000].map((shift) => new Date(wall + shift).getTimezoneOffset()));
  const matches = [...offsets]
    .map((offset) => new Date(wall + offset * 60_000))
    .filter((moment) => moment.getTime() - moment.getTimezoneOffset() * 60_000 === wall);
  const [first, second] = matches;
  if (first !== undefined && second === undefined) return first;
  if (first === undefined)
    throw new DbadminError('time-invalid', `the local clock never showed ${text}: it was put forward over that time`, {
      hint: 'Give the time with its offset from UTC.',
    });
  throw new DbadminError('time-invalid', `the local clock showed ${text} twice`, {
    hint: `Give the offset: ${matches.map(formatMoment).join(' or ')}.`,
  });
}

/** A moment for people, in the local zone with its offset: `2026-11-21 14:03:07.120 +05:30`. */
export function formatMoment(moment: Date): string {
  const offset = -moment.getTimezoneOffset();
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const local = new Date(moment.getTime() + offset * 60_000).toISOString().replace('T', ' ').replace('.000Z', '').replace('Z', '');
  return `${local} ${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}

/** The same of microseconds since 1970, with six digits: given back as a target, the commit of that time comes back. */
export function formatMomentUs(us: bigint): string {
  const text = formatMoment(new Date(Number(us / 1000n)));
  return us % 1000n === 0n ? text : withMicroseconds(text, us);
}

/** `2026-11-21T14:03:07.120345Z`, of microseconds since 1970; whole milliseconds as `2026-11-21T14:03:07.120Z`. */
export function isoMoment(us: bigint): string {
  const text = new Date(Number(us / 1000n)).toISOString();
  return us % 1000n === 0n ? text : withMicroseconds(text, us);
}

function withMicroseconds(text: string, us: bigint): string {
  const digits = String(us % 1_000_000n).padStart(6, '0');
  return text.replace(/(:\d{2}:\d{2})(?:\.\d{3})?/, `$1.${digits}`);
}
