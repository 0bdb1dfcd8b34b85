import type { View } from './time-scale.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const STEPS: Readonly<Record<string, number>> = {
  ArrowRight: SECOND,
  ArrowLeft: -SECOND,
  ArrowUp: MINUTE,
  ArrowDown: -MINUTE,
  PageUp: HOUR,
  PageDown: -HOUR,
};

/** What a key does to the moment: arrows a second or a minute, page keys an hour, each ten times as much with Shift. */
export function movedBy(key: string, withShift: boolean, atMs: number, { fromMs, toMs }: View): number | undefined {
  if (key === 'Home') return fromMs;
  if (key === 'End') return toMs;
  const step = STEPS[key];
  if (step === undefined) return undefined;
  return Math.min(toMs, Math.max(fromMs, atMs + step * (withShift ? 10 : 1)));
}
