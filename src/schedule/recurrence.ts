import { Cron } from 'croner';

/** Times that come again: a cron line of five fields in a time zone. */
export interface Recurrence {
  /** Minute, hour, day of month, month, day of week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. */
  readonly cron: string;
  /** IANA name, such as `Asia/Kolkata`. */
  readonly timeZone: string;
}

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const VALUE = '(?:\\d{1,2}|[A-Za-z]{3})';
const FIELD = new RegExp(`^(?:\\*|${VALUE}(?:-${VALUE})?)(?:/\\d{1,2})?(?:,(?:\\*|${VALUE}(?:-${VALUE})?)(?:/\\d{1,2})?)*$`);

/** The five fields of a cron line, nicknames written out. */
export function cronFields(cron: string): readonly string[] {
  return (NICKNAMES[cron.trim().toLowerCase()] ?? cron.trim()).split(/\s+/);
}

/** What is wrong with a cron line, or undefined. Only what every cron reads is taken: no L, W, #, ? and no seconds. */
export function cronFault(cron: string): string | undefined {
  const fields = cronFields(cron);
  if (fields.length !== 5) return `a cron line has five fields (minute hour day month weekday), this has ${fields.length}`;
  const odd = fields.find((field) => !FIELD.test(field));
  if (odd !== undefined) return `"${odd}" is no cron field: numbers, names, *, -, / and commas`;
  try {
    const next = new Cron(fields.join(' '), { paused: true, mode: '5-part', timezone: 'UTC' }).nextRun(new Date(0));
    return next === null ? 'this time never comes' : undefined;
  } catch (error) {
    return error instanceof Error
      ? error.message.replace(/^CronPattern: /, '').replace(/^[A-Z]/, (letter) => letter.toLowerCase())
      : 'no cron line';
  }
}

/** Whether the system knows this time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * The next `count` times strictly after `after`, fewer when there are no more.
 *
 * A time that a change of the clock skips comes at the first moment after the change; one that a change repeats comes once,
 * the first time, unless hour or minute is a `*` or `*` with a step: those go by elapsed time. As Vixie cron has it, a line
 * that limits both day of month and day of week comes on days that meet either.
 */
export function nextTimes({ cron, timeZone }: Recurrence, after: Date, count: number): readonly Date[] {
  const line = `${cron} ${timeZone}`;
  const key = `${line} ${after.getTime()} ${count}`;
  const known = answers.get(key);
  if (known !== undefined) return known;
  const times = cronOf(line, cron, timeZone).nextRuns(count, after);
  remember(answers, key, times);
  return times;
}

// A line takes a tenth of a millisecond to read and a time in a zone as long to find, and of thousands of jobs most share both.
const crons = new Map<string, Cron>();
const answers = new Map<string, readonly Date[]>();
const REMEMBERED = 500;

function cronOf(line: string, cron: string, timeZone: string): Cron {
  const known = crons.get(line);
  if (known !== undefined) return known;
  const made = new Cron(cronFields(cron).join(' '), { paused: true, mode: '5-part', timezone: timeZone });
  remember(crons, line, made);
  return made;
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  const [oldest] = map.keys();
  if (map.size >= REMEMBERED && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}

/**
 * The moment that a text such as `2026-12-21`, `2026-12-21T14:00` or `2026-12-21T14:00:00+05:30` names; without an offset in
 * `timeZone`. A date is its first moment. Undefined for another form or a day that does not exist.
 */
export function parseMoment(text: string, timeZone: string): Date | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(Z|[+-]\d{2}:?\d{2})?)?$/.exec(text);
  if (match === null) return undefined;
  const [, date = '', minutes = '00:00', seconds = ':00', offset] = match;
  const written = `${date}T${minutes}${seconds}`;
  const asUtc = new Date(`${written}Z`);
  if (Number.isNaN(asUtc.getTime()) || !asUtc.toISOString().startsWith(written)) return undefined;
  if (offset !== undefined) return new Date(`${written}${offset}`);
  return new Cron(written, { paused: true, timezone: timeZone }).nextRun(new Date(0)) ?? undefined;
}

// Making a formatter takes a millisecond, and converting a zone asks a thousand times.
const offsetFormats = new Map<string, Intl.DateTimeFormat>();

/** Minutes that clocks in `timeZone` are ahead of UTC at `moment`. */
export function offsetMinutes(timeZone: string, moment: Date): number {
  const format = offsetFormats.get(timeZone) ?? new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  offsetFormats.set(timeZone, format);
  const name = format.formatToParts(moment).find((part) => part.type === 'timeZoneName');
  const match = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name?.value ?? '');
  if (match?.[1] === undefined) return 0;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
}

/** `2026-11-22 02:00:00 +05:30`: the moment as clocks in `timeZone` show it. */
export function formatMoment(moment: Date, timeZone: string): string {
  const offset = offsetMinutes(timeZone, moment);
  const shown = new Date(moment.getTime() + offset * 60_000).toISOString().slice(0, 19).replace('T', ' ');
  const size = Math.abs(offset);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${shown} ${offset < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}
