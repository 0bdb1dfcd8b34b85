import { timeAxis } from '../../parts/axis.ts';
import type { Drill, Times } from './documents.ts';

export type Phase = 'plan' | 'restore' | 'recovery' | 'rest' | 'checks';

export interface PhaseSpan {
  readonly phase: Phase;
  readonly fromMs: number;
  readonly tookMs: number;
}

/** A drill that can be placed among the others in time. */
export interface TrendPoint {
  readonly drill: Drill;
  readonly rtoMs: number;
  /** Percent of the width, from the oldest to the newest. */
  readonly x: number;
  /** Percent of the height, from below. */
  readonly y: number;
}

export interface Trend {
  readonly points: readonly TrendPoint[];
  readonly ticks: readonly { readonly ms: number; readonly y: number }[];
}

/**
 * The phases one after the other. Up to the end of `rest` the cluster would have been away: what of that time no phase accounts for is `rest`. The
 * checks come behind it. Phases that did not come about are left out.
 */
export function phaseSpans({ planMs, restoreMs, recoveryMs, rtoMs, checksMs }: Times): readonly PhaseSpan[] {
  const known = (planMs ?? 0) + (restoreMs ?? 0) + (recoveryMs ?? 0);
  const restMs = rtoMs === null ? 0 : Math.max(0, rtoMs - known);
  const spans: PhaseSpan[] = [];
  let fromMs = 0;
  for (const [phase, tookMs] of [
    ['plan', planMs],
    ['restore', restoreMs],
    ['recovery', recoveryMs],
    ['rest', restMs],
    ['checks', checksMs],
  ] as const) {
    if (tookMs === null || tookMs === 0) continue;
    spans.push({ phase, fromMs, tookMs });
    fromMs += tookMs;
  }
  return spans;
}

/** How long a drill took as its phases tell it. */
export function lengthOf(times: Times): number {
  const last = phaseSpans(times).at(-1);
  return last === undefined ? 0 : last.fromMs + last.tookMs;
}

/** The times to be back of all drills that came so far, oldest first; undefined with fewer than two: a line needs two. */
export function trendOf(drills: readonly Drill[]): Trend | undefined {
  const known = drills
    .flatMap((drill) => (drill.times?.rtoMs == null ? [] : [{ drill, rtoMs: drill.times.rtoMs, at: new Date(drill.finishedAt).getTime() }]))
    .toSorted((a, b) => a.at - b.at);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined || known.length < 2) return undefined;
  const spanMs = Math.max(1, last.at - first.at);
  const { span, ticks } = timeAxis(Math.max(...known.map(({ rtoMs }) => rtoMs)));
  return {
    points: known.map(({ drill, rtoMs, at }) => ({ drill, rtoMs, x: ((at - first.at) / spanMs) * 100, y: (rtoMs / span) * 100 })),
    ticks: ticks.map((ms) => ({ ms, y: (ms / span) * 100 })),
  };
}
