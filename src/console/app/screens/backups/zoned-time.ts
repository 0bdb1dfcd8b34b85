/** Clock readings in a time zone: milliseconds as if the clock were UTC's, so that they can be counted with. */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const parts = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
  const format = new Intl.DateTimeFormat('en-US', { ...parts, hourCycle: 'h23', era: 'short', timeZone });
  formats.set(timeZone, format);
  return format;
}

/** How far the zone's clock is ahead of UTC at a moment. */
export function offsetMsAt(atMs: number, timeZone: string): number {
  const seconds = Math.floor(atMs / 1000) * 1000;
  const read: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(seconds)) read[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read;
  return Date.UTC(year, month - 1, day, hour, minute, second) - seconds;
}

/** What the zone's clock shows at a moment. */
export function wallOf(atMs: number, timeZone: string): number {
  return atMs + offsetMsAt(atMs, timeZone);
}

/** The moment at which the zone's clock shows `wallMs`; the first of two, and where the clock was put forward over it, as long after as it was put. */
export function momentOfWall(wallMs: number, timeZone: string): number {
  const [first, second] = momentsOfWall(wallMs, timeZone);
  return first ?? second ?? wallMs - offsetMsAt(wallMs - 86_400_000, timeZone);
}

/** All moments at which the zone's clock shows `wallMs`: one, two where it was put back, none where it was put forward. */
export function momentsOfWall(wallMs: number, timeZone: string): readonly number[] {
  const offsets = new Set([-86_400_000, 0, 86_400_000].map((shift) => offsetMsAt(wallMs + shift, timeZone)));
  return [...offsets]
    .map((offset) => wallMs - offset)
    .filter((moment) => wallOf(moment, timeZone) === wallMs)
    .sort((a, b) => a - b);
}

/** `+05:30`. */
export function formatOffset(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** As a command takes it, milliseconds where there are some: `2026-11-21 14:03:07+05:30`. */
export function stamp(atMs: number, timeZone: string): string {
  const offset = offsetMsAt(atMs, timeZone);
  const text = new Date(atMs + offset)
    .toISOString()
    .replace('T', ' ')
    .replace(/(\.000)?Z$/, '');
  return `${text}${formatOffset(offset)}`;
}

const STAMP = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,3})\d*)?)?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/i;

export type Typed = { readonly kind: 'moment'; readonly atMs: number } | { readonly kind: 'refused'; readonly why: string };

/** The moment that somebody typed: with its offset, or as the zone's clock shows it. One that it never showed, or twice, is refused. */
export function parseTyped(text: string, timeZone: string): Typed {
  const match = STAMP.exec(text.trim());
  if (match === null) return refused('Write it like 2026-11-21 14:03:07, with its offset where it is of another zone.');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0'));
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second, milliseconds);
  const check = new Date(wallMs);
  if (check.getUTCMonth() !== month - 1 || check.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    return refused('There is no such time.');
  if (match[8] !== undefined) return { kind: 'moment', atMs: wallMs - offsetOf(match[8]) };
  const [first, other] = momentsOfWall(wallMs, timeZone);
  if (first === undefined) return refused(`The clock of ${timeZone} was put forward over that time: give the offset.`);
  if (other === undefined) return { kind: 'moment', atMs: first };
  return refused(`The clock of ${timeZone} showed that twice: write ${stamp(first, timeZone)} or ${stamp(other, timeZone)}.`);
}

function refused(why: string): Typed {
  return { kind: 'refused', why };
}

function offsetOf(text: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(text);
  if (match === null) return 0;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3] ?? 0)) * 60_000;
}
