import { timeAxis } from '../../parts/axis.ts';
import type { RehearsedFile } from './documents.ts';

/** A span on the axis of a rehearsed file. */
export interface RehearsalBar {
  readonly kind: 'statement' | 'blocks-all' | 'blocks-writes';
  readonly label: string;
  readonly fromMs: number;
  readonly tookMs: number;
  /** A table is kept from others for longer than they are to wait. */
  readonly isOver: boolean;
}

export interface RehearsalBars {
  readonly bars: readonly RehearsalBar[];
  /** Where the axis ends; bars and limit fit. */
  readonly spanMs: number;
  readonly ticks: readonly number[];
}

/** Statements are many in a file of data; these are the longest, in their order. */
const MOST_STATEMENTS = 12;
const LABEL_WIDTH = 90;

/** Statements one after the other from the beginning of the file, then each table with the span for which others wait for it. */
export function rehearsalBars({ statements, blocked, commitMs }: RehearsedFile, limitMs: number): RehearsalBars {
  let atMs = 0;
  const begins = statements.map(({ tookMs }) => {
    const beginMs = atMs;
    atMs += tookMs;
    return beginMs;
  });
  const longest = new Set(
    [...statements.entries()]
      .toSorted(([, a], [, b]) => b.tookMs - a.tookMs)
      .slice(0, MOST_STATEMENTS)
      .map(([at]) => at),
  );
  const shown = [...statements.entries()].filter(([at]) => longest.has(at));
  const bars: RehearsalBar[] = shown.map(([at, { number, text, tookMs }]) => ({
    kind: 'statement',
    label: `${number}  ${shorten(text)}`,
    fromMs: begins[at] ?? 0,
    tookMs,
    isOver: false,
  }));
  for (const { table, reads, writes } of blocked) {
    const isRead = reads !== null && reads.ms >= (writes?.ms ?? 0);
    const block = isRead ? reads : writes;
    if (block === null) continue;
    bars.push({
      kind: isRead ? 'blocks-all' : 'blocks-writes',
      label: `${block.mode} on ${table}: ${isRead ? 'reads and writes' : 'writes'} wait`,
      fromMs: begins[block.by] ?? 0,
      tookMs: block.ms,
      isOver: block.ms > limitMs,
    });
  }
  const ends = bars.map(({ fromMs, tookMs }) => fromMs + tookMs);
  const { span, ticks } = timeAxis(Math.max(atMs + commitMs, limitMs * 1.25, ...ends));
  return { bars, spanMs: span, ticks };
}

function shorten(text: string): string {
  return text.length > LABEL_WIDTH ? `${text.slice(0, LABEL_WIDTH - 1)}…` : text;
}
