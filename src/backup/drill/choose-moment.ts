import { createHash } from 'node:crypto';
import type { RecoverableStretch } from '../windows.ts';

/** A number in [0, 1) that a seed and a purpose determine. */
export function drawOf(seed: string, purpose: string): number {
  return createHash('sha256').update(`${seed}\n${purpose}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/**
 * A moment of what can be restored, each as likely as any other; `draw` is in [0, 1). Whole milliseconds, as the
 * ends of the stretches are. Undefined when no stretch says until when it reaches.
 */
export function chooseMoment(stretches: readonly RecoverableStretch[], draw: number): Date | undefined {
  const spans = stretches.flatMap(({ from, to }) => {
    const startMs = Date.parse(from);
    const endMs = to === null ? startMs : Date.parse(to);
    return endMs > startMs ? [{ startMs, lengthMs: endMs - startMs }] : [];
  });
  let left = Math.floor(draw * spans.reduce((sum, { lengthMs }) => sum + lengthMs, 0));
  for (const { startMs, lengthMs } of spans) {
    // Never the first millisecond: it belongs to before the backup as much as to after it.
    if (left < lengthMs) return new Date(startMs + left + 1);
    left -= lengthMs;
  }
  return undefined;
}
