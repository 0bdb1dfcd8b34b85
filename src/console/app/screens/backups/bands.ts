import { xOf, type View } from './time-scale.ts';

/** Moments each of which can be restored, as `backup info` has them. */
export interface Stretch {
  readonly from: string;
  /** Null when nothing tells until when. */
  readonly to: string | null;
}

/** WAL that is missing, with the moments on either side that can be restored. */
export interface MissingWal {
  readonly timeline: number;
  readonly fromLsn: string;
  readonly toLsn: string;
  readonly reason: string;
  readonly noticedAt: string | null;
  readonly from: string | null;
  readonly to: string | null;
}

export interface Band extends View {
  /** Proven: a drill passed on it, later than this. */
  readonly kind: 'proven' | 'unproven';
}

export interface Gap extends View {
  /** Behind it nothing can be restored until the next backup. */
  readonly isOpen: boolean;
  readonly reasons: readonly string[];
}

/** The moments that can be restored: proven up to the last drill that passed, unproven behind it. */
export function bandsOf(stretches: readonly Stretch[], provenUntilMs: number | undefined): readonly Band[] {
  return stretches.flatMap(({ from, to }): readonly Band[] => {
    const fromMs = Date.parse(from);
    // One whose end nothing tells is drawn as its beginning: no more is known.
    const toMs = to === null ? fromMs : Math.max(fromMs, Date.parse(to));
    const edge = provenUntilMs === undefined ? fromMs : Math.min(toMs, Math.max(fromMs, provenUntilMs));
    return [
      ...(edge > fromMs ? [{ fromMs, toMs: edge, kind: 'proven' as const }] : []),
      ...(toMs > edge || edge === fromMs ? [{ fromMs: edge, toMs, kind: 'unproven' as const }] : []),
    ];
  });
}

/** What lies between two stretches, and behind the last one where its WAL breaks off, each with the reasons that are known. */
export function gapsOf(stretches: readonly Stretch[], missing: readonly MissingWal[], nowMs: number): readonly Gap[] {
  const between = stretches.slice(1).flatMap((next, index): readonly Gap[] => {
    const before = stretches[index];
    const fromMs = Date.parse(before?.to ?? before?.from ?? next.from);
    const toMs = Date.parse(next.from);
    return toMs > fromMs ? [{ fromMs, toMs, isOpen: false, reasons: reasonsIn(missing, fromMs, toMs) }] : [];
  });
  const last = stretches.at(-1);
  const behind = missing.filter(({ to }) => to === null);
  if (last === undefined || behind.length === 0) return between;
  const fromMs = Date.parse(last.to ?? last.from);
  return [...between, { fromMs, toMs: Math.max(fromMs, nowMs), isOpen: true, reasons: unique(behind.map(({ reason }) => reason)) }];
}

function reasonsIn(missing: readonly MissingWal[], fromMs: number, toMs: number): readonly string[] {
  const inside = missing.filter(({ from, to }) => {
    const [start, end] = [Date.parse(from ?? to ?? ''), Date.parse(to ?? from ?? '')];
    return start <= toMs && end >= fromMs;
  });
  return unique(inside.map(({ reason }) => reason));
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words)];
}

/** Where something is drawn. */
export interface Laid<Of> {
  readonly x: number;
  readonly width: number;
  readonly of: Of;
  /** How many are drawn as this one. */
  readonly count: number;
}

/** Bands as they are drawn; those of one kind without a pixel between them are one. */
export function layBands(bands: readonly Band[], view: View, width: number): readonly Laid<Band>[] {
  return lay(bands, view, width, 1, (a, b) => a.kind === b.kind);
}

/** Gaps as they are drawn: each at least `leastPx` wide, however short it is; those that would overlap are one, named by the longest. */
export function layGaps(gaps: readonly Gap[], view: View, width: number, leastPx: number): readonly Laid<Gap>[] {
  return lay(gaps, view, width, leastPx, () => true);
}

function lay<Of extends View>(
  all: readonly Of[],
  view: View,
  width: number,
  leastPx: number,
  joins: (a: Of, b: Of) => boolean,
): readonly Laid<Of>[] {
  const laid: Laid<Of>[] = [];
  for (const of of all) {
    if (of.toMs < view.fromMs || of.fromMs > view.toMs) continue;
    const from = Math.max(-leastPx, xOf(of.fromMs, view, width));
    const to = Math.min(width + leastPx, xOf(of.toMs, view, width));
    const spare = Math.max(0, leastPx - (to - from)) / 2;
    const next = { x: from - spare, width: to - from + 2 * spare, of, count: 1 };
    const last = laid.at(-1);
    if (last !== undefined && next.x <= last.x + last.width + 0.5 && joins(last.of, of)) {
      const longest = of.toMs - of.fromMs > last.of.toMs - last.of.fromMs ? of : last.of;
      const end = Math.max(last.x + last.width, next.x + next.width);
      laid[laid.length - 1] = { x: last.x, width: end - last.x, of: longest, count: last.count + 1 };
    } else laid.push(next);
  }
  return laid;
}

/** What is nearest to a moment that cannot be restored. */
export interface Nearest {
  readonly isRestorable: boolean;
  /** The last moment before it that can be. */
  readonly beforeMs: number | undefined;
  /** The first moment behind it that can be. */
  readonly afterMs: number | undefined;
}

/** Whether a moment lies in one of the stretches, and what does on either side. */
export function nearestRestorable(stretches: readonly Stretch[], atMs: number): Nearest {
  let beforeMs: number | undefined;
  let afterMs: number | undefined;
  for (const { from, to } of stretches) {
    const [fromMs, toMs] = [Date.parse(from), Date.parse(to ?? from)];
    if (fromMs <= atMs && atMs <= toMs) return { isRestorable: true, beforeMs: atMs, afterMs: atMs };
    if (toMs < atMs && (beforeMs === undefined || toMs > beforeMs)) beforeMs = toMs;
    if (fromMs > atMs && (afterMs === undefined || fromMs < afterMs)) afterMs = fromMs;
  }
  return { isRestorable: false, beforeMs, afterMs };
}
