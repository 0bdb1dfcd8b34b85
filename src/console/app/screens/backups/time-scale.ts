import { momentOfWall, wallOf } from './zoned-time.ts';

/** What of time is shown, from the left edge to the right. */
export interface View {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Nearer than this nothing can be told apart: a pixel is some ten milliseconds then. */
export const LEAST_SPAN_MS = 10_000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Pixels from the left edge; outside of the view it goes on. */
export function xOf(atMs: number, { fromMs, toMs }: View, width: number): number {
  return ((atMs - fromMs) / (toMs - fromMs)) * width;
}

export function momentAt(x: number, { fromMs, toMs }: View, width: number): number {
  return fromMs + (x / Math.max(1, width)) * (toMs - fromMs);
}

/** The view itself where it lies within `bounds` and is wide enough; else the nearest that does. */
export function fitted({ fromMs, toMs }: View, bounds: View): View {
  const most = bounds.toMs - bounds.fromMs;
  const span = Math.min(most, Math.max(Math.min(LEAST_SPAN_MS, most), toMs - fromMs));
  const middle = (fromMs + toMs) / 2;
  const start = span === toMs - fromMs ? fromMs : middle - span / 2;
  const from = Math.min(bounds.toMs - span, Math.max(bounds.fromMs, start));
  return { fromMs: from, toMs: from + span };
}

/** Nearer (`factor` below 1) or farther, with `atMs` staying where it is on the screen. */
export function zoomed(view: View, atMs: number, factor: number, bounds: View): View {
  const span = Math.min(bounds.toMs - bounds.fromMs, Math.max(LEAST_SPAN_MS, (view.toMs - view.fromMs) * factor));
  const share = (atMs - view.fromMs) / (view.toMs - view.fromMs);
  const fromMs = atMs - share * span;
  return fitted({ fromMs, toMs: fromMs + span }, bounds);
}

export function panned({ fromMs, toMs }: View, shiftMs: number, bounds: View): View {
  return fitted({ fromMs: fromMs + shiftMs, toMs: toMs + shiftMs }, bounds);
}

/** The view with `atMs` in it: moved no farther than needed. */
export function showing(view: View, atMs: number, bounds: View): View {
  if (atMs >= view.fromMs && atMs <= view.toMs) return view;
  const margin = (view.toMs - view.fromMs) / 10;
  return panned(view, atMs < view.fromMs ? atMs - margin - view.fromMs : atMs + margin - view.toMs, bounds);
}

/** A line of the axis, where the zone's clock shows a round time. */
export interface Tick {
  readonly atMs: number;
  /** `second` is the finest: what of the clock has to be written there. */
  readonly unit: 'second' | 'minute' | 'day' | 'month';
}

const STEPS: readonly (readonly [stepMs: number, unit: Tick['unit']])[] = [
  ...[1, 2, 5, 10, 15, 30].map((count) => [count * SECOND, 'second'] as const),
  ...[1, 2, 5, 10, 15, 30].map((count) => [count * MINUTE, 'minute'] as const),
  ...[1, 2, 3, 6, 12].map((count) => [count * HOUR, 'minute'] as const),
  ...[1, 2, 7, 14].map((count) => [count * DAY, 'day'] as const),
];
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120];

/** The axis: round times of the zone's clock, as many as have `leastPx` each. */
export function ticks(view: View, width: number, timeZone: string, leastPx = 72): readonly Tick[] {
  const span = view.toMs - view.fromMs;
  const most = Math.max(1, Math.floor(width / leastPx));
  const [from, to] = [wallOf(view.fromMs, timeZone), wallOf(view.toMs, timeZone)];
  const step = STEPS.find(([stepMs]) => span / stepMs <= most);
  const walls = step === undefined ? monthsBetween(from, to, span, most) : multiplesBetween(from, to, step[0]);
  return walls
    .map((wallMs): Tick => ({ atMs: momentOfWall(wallMs, timeZone), unit: unitAt(wallMs, step?.[1] ?? 'month') }))
    .filter(({ atMs }) => atMs >= view.fromMs && atMs <= view.toMs);
}

/** Midnight is written as its day on a finer axis, too. */
function unitAt(wallMs: number, unit: Tick['unit']): Tick['unit'] {
  return unit !== 'month' && wallMs % DAY === 0 ? 'day' : unit;
}

function multiplesBetween(from: number, to: number, step: number): readonly number[] {
  const walls: number[] = [];
  for (let wallMs = Math.ceil(from / step) * step; wallMs <= to; wallMs += step) walls.push(wallMs);
  return walls;
}

function monthsBetween(from: number, to: number, span: number, most: number): readonly number[] {
  const step = MONTH_STEPS.find((months) => span / (months * 30 * DAY) <= most) ?? 240;
  const walls: number[] = [];
  const first = new Date(from);
  for (let month = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / step) * step; ; month += step) {
    const wallMs = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (wallMs > to) return walls;
    if (wallMs >= from) walls.push(wallMs);
  }
}
