import { DbadminError } from '../../base/errors.ts';
import { quoteLiteral } from '../../postgres/quote.ts';

/** What the reader asked for, words as typed. */
export interface AskedScope {
  readonly listener: string | undefined;
  readonly track: string | undefined;
  readonly album: string | undefined;
  readonly artist: string | undefined;
  readonly chart: string | undefined;
  /** `2025-10` */
  readonly month: string | undefined;
  /** `2025-10-01` */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** A name such as Asia/Kolkata. */
  readonly zone: string | undefined;
  /** How long lists of the most played are. */
  readonly top: number;
}

/** All plays there are, and ten of the most played: what is asked for when nothing is said. */
export const EVERYTHING = {
  listener: undefined,
  track: undefined,
  album: undefined,
  artist: undefined,
  chart: undefined,
  month: undefined,
  from: undefined,
  to: undefined,
  zone: undefined,
  top: 10,
} as const satisfies AskedScope;

/** A thing that a word meant. */
export interface Meant {
  readonly id: string;
  readonly name: string;
}

/** What the figures are about, every name found. */
export interface Scope {
  readonly listener: Meant | undefined;
  readonly track: Meant | undefined;
  readonly album: Meant | undefined;
  readonly artist: Meant | undefined;
  /** Its name, as stored. */
  readonly chart: string | undefined;
  readonly month: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly zone: string | undefined;
  readonly top: number;
  /** Columns that this role may not read, as `mart.user_details.country`: shown as not known. */
  readonly unreadable: ReadonlySet<string>;
}

/**
 * Checks what can be checked without a database: days and months that exist, in order, and how many.
 *
 * @throws {DbadminError} `usage`.
 */
export function checkAsked(asked: Omit<AskedScope, 'top'>, top: string | undefined): AskedScope {
  const { month, from, to } = asked;
  if (month !== undefined && !/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) {
    throw new DbadminError('usage', `--month takes a month such as 2025-10, not "${month}"`);
  }
  for (const [option, day] of [
    ['--from', from],
    ['--to', to],
  ] as const) {
    if (day !== undefined && !isDay(day)) throw new DbadminError('usage', `${option} takes a day such as 2025-10-31, not "${day}"`);
  }
  if (from !== undefined && to !== undefined && from > to) throw new DbadminError('usage', `--from ${from} is after --to ${to}`);
  const count = top === undefined ? EVERYTHING.top : Number(top);
  if (!Number.isSafeInteger(count) || count < 1 || count > 1000) {
    throw new DbadminError('usage', `--top takes a whole number from 1 to 1000, not "${top}"`);
  }
  return { ...asked, top: count };
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(text);
}

/** The scope as mart.only takes it; `withSkips` counts plays of less than 30 s and more than 60 min as well. */
export function playFilter(scope: Scope, { withSkips = false }: { readonly withSkips?: boolean } = {}): string {
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['listener_id', scope.listener?.id],
    ['track_id', scope.track?.id],
    ['album_id', scope.album?.id],
    ['artist_id', scope.artist?.id],
    ['first_day', literal(scope.from, 'date')],
    ['last_day', literal(scope.to, 'date')],
    ['month', scope.month === undefined ? undefined : literal(`${scope.month}-01`, 'date')],
    ['zone', literal(scope.zone, 'text')],
    ['with_skips', withSkips ? 'true' : undefined],
  ];
  const given = parts.flatMap(([name, value]) => (value === undefined ? [] : [`${name} => ${value}`]));
  return `mart.only(${given.join(', ')})`;
}

/** A condition on a day, for figures that are not of plays; `true` where the scope says nothing of days. */
export function dayCondition(scope: Scope, column: string): string {
  const conditions = [
    ...(scope.from === undefined ? [] : [`${column} >= ${quoteLiteral(scope.from)}::date`]),
    ...(scope.to === undefined ? [] : [`${column} <= ${quoteLiteral(scope.to)}::date`]),
    ...(scope.month === undefined
      ? []
      : [`date_trunc('month', ${column}::timestamp) = date_trunc('month', ${quoteLiteral(`${scope.month}-01`)}::timestamp)`]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' and ');
}

/** `column = id`, or `true` where nothing was named. */
export function equals(column: string, value: string | undefined): string {
  return value === undefined ? 'true' : `${column} = ${value}`;
}

/** A text as a constant of a type, or undefined. */
export function literal(value: string | undefined, type: 'date' | 'text'): string | undefined {
  return value === undefined ? undefined : `${quoteLiteral(value)}::${type}`;
}

/** What the scope says, as pairs for people: `month` `2025-10`. Empty where it says nothing. */
export function describeScope(scope: Scope): readonly (readonly [string, string])[] {
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ['listener', scope.listener?.name],
    ['month', scope.month],
    ['from', scope.from],
    ['to', scope.to],
    ['track', scope.track?.name],
    ['album', scope.album?.name],
    ['artist', scope.artist?.name],
    ['chart', scope.chart],
    ['zone', scope.zone],
  ];
  return pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}
