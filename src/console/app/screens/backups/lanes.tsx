import { formatDuration } from '../../../../base/durations.ts';
import { layBands, layGaps, type Band, type Gap } from './bands.ts';
import { heapsOf, pathOf, type Heap } from './level-of-detail.ts';
import type { MarkKind, Marks } from './marks.ts';
import { ticks, xOf, type View } from './time-scale.ts';
import { tickLabel } from './tick-label.ts';

/** One timeline's moments. */
export interface BandRow {
  readonly timeline: number;
  readonly bands: readonly Band[];
  readonly gaps: readonly Gap[];
}

export interface LanesProps {
  readonly rows: readonly BandRow[];
  readonly marks: readonly Marks[];
  readonly view: View;
  readonly width: number;
  readonly timeZone: string;
  readonly label: string;
}

const AXIS = 22;
/** Marks in its upper half, flags of gaps in the lower. */
const EVENTS = 38;
const ROW = 20;
/** Room for the flags of a row below another, which would stand on the band above it. */
const FLAGS = 16;
const BAND = 12;
const TAKEN = 24;
const LEAST_GAP_PX = 6;
/** Marks nearer than this are drawn as one. */
export const HEAP_PX = 7;
const LABEL_PX = 116;
/** A timeline's name. */
const NAME_PX = 80;

const EVENT_KINDS: readonly MarkKind[] = ['migration', 'restore-point', 'passed', 'failed'];
const TAKEN_KINDS: readonly MarkKind[] = ['incremental', 'full', 'damaged', 'no-backup'];

/** From top to bottom: the axis, events, the moments of each timeline, backups, dumps. */
export function heightOf(rows: readonly BandRow[], hasDumps: boolean): number {
  return bottomOf(rows) + TAKEN + (hasDumps ? ROW : 0);
}

/** Where the lanes of the timelines end. */
function bottomOf(rows: readonly BandRow[]): number {
  return topOf(rows, rows.length - 1) + (rows.length > 0 ? ROW : 0);
}

/** Where a timeline's lane begins. */
function topOf(rows: readonly BandRow[], index: number): number {
  const flags = rows.slice(1, index + 1).filter(({ gaps }) => gaps.length > 0).length;
  return AXIS + EVENTS + Math.max(0, index) * ROW + flags * FLAGS;
}

export function hasDumps(marks: readonly Marks[]): boolean {
  return marks.some(({ kind, atMs }) => kind === 'dump' && atMs.length > 0);
}

/** Where the lane is that a kind of mark lies in: its middle. */
export function middleOf(kind: MarkKind, rows: readonly BandRow[]): number {
  if (EVENT_KINDS.includes(kind)) return AXIS + 10;
  return bottomOf(rows) + TAKEN / 2 + (kind === 'dump' ? ROW : 0);
}

/** Everything that stays while the moment moves: as many shapes as there are pixels, in one path for each kind. */
export function Lanes({ rows, marks, view, width, timeZone, label }: LanesProps) {
  const height = heightOf(rows, hasDumps(marks));
  const axis = ticks(view, width, timeZone);
  const of = (kind: MarkKind): readonly Heap[] => heapsOf(marks.find((each) => each.kind === kind)?.atMs ?? [], view, width, HEAP_PX);
  return (
    <svg class="lanes" width={width} height={height} role="img" aria-label={label}>
      <path class="grid" d={axis.map(({ atMs }) => `M${xOf(atMs, view, width).toFixed(1)} ${AXIS - 6}V${height}`).join('')} />
      {axis.map((tick) => (
        <text key={tick.atMs} class={tick.unit === 'day' ? 'on' : undefined} x={xOf(tick.atMs, view, width) + 3} y="13">
          {tickLabel(tick, timeZone)}
        </text>
      ))}
      {rows.map((row, index) => (
        <Row key={row.timeline} row={row} y={topOf(rows, index)} view={view} width={width} isNamed={rows.length > 1} />
      ))}
      {[...TAKEN_KINDS, 'dump' as const, ...EVENT_KINDS].map((kind) => (
        <path key={kind} class={`mark ${kind}`} d={pathOf(of(kind), middleOf(kind, rows), SHAPES[kind])} />
      ))}
      {(['passed', 'failed'] as const).map((kind) => (
        <path key={kind} class="m-tick" d={pathOf(of(kind), middleOf(kind, rows), TICKS[kind])} />
      ))}
      <Names marks={marks} view={view} width={width} y={middleOf('migration', rows) + 4} />
    </svg>
  );
}

/** Full squares, incremental strokes, round dumps, lozenges for what was done to the database: a heap is as wide as what lies in it. */
const SHAPES: Readonly<Record<MarkKind, (heap: Heap) => string>> = {
  full: ({ width }) => `m-5-5h${(10 + width).toFixed(1)}v10h-${(10 + width).toFixed(1)}z`,
  incremental: ({ width }) => `m-1.5-5h${(3 + width).toFixed(1)}v10h-${(3 + width).toFixed(1)}z`,
  damaged: () => 'm-5-5l10 10m0-10l-10 10',
  'no-backup': () => 'm0-6l6 6-6 6-6-6z',
  dump: () => 'm-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
  passed: () => 'm-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0z',
  failed: () => 'm0-7l7 7-7 7-7-7z',
  migration: () => 'm0-6l6 6-6 6-6-6z',
  'restore-point': () => 'm0-5l5 5-5 5-5-5z',
};
const TICKS = { passed: () => 'm-3 0l2.2 2.4 4-4.6', failed: () => 'm-2.4-2.4l4.8 4.8m0-4.8l-4.8 4.8' } as const;

function Row({
  row,
  y,
  view,
  width,
  isNamed,
}: {
  readonly row: BandRow;
  readonly y: number;
  readonly view: View;
  readonly width: number;
  readonly isNamed: boolean;
}) {
  const bands = layBands(row.bands, view, width);
  const gaps = layGaps(row.gaps, view, width, LEAST_GAP_PX);
  const isFree = (fromPx: number, toPx: number): boolean => gaps.every(({ x, width: wide }) => x + wide < fromPx || x > toPx);
  // Its name must not cover a gap.
  const isAtEnd = !isFree(0, NAME_PX) && isFree(width - NAME_PX, width);
  return (
    <>
      {bands.map(({ x, width: wide, of }) => (
        <rect key={of.fromMs} class={of.kind === 'proven' ? 'cover' : 'cover un'} x={x} y={y + 4} width={wide} height={BAND} />
      ))}
      {gaps.map(({ x, width: wide, of, count }, index) => (
        <g key={of.fromMs}>
          <rect class="gap" x={x} y={y + 2} width={wide} height={BAND + 4} />
          <path class="m-bad" d={`M${(x + wide / 2).toFixed(1)} ${y - 9}l5 9h-10z`} />
          {(gaps[index + 1]?.x ?? Infinity) - x > LABEL_PX && x + LABEL_PX < width ? (
            <text class="on halo" x={x + wide / 2 + 8} y={y}>
              {count === 1 ? `gap ${formatDuration(of.toMs - of.fromMs)}` : `${count} gaps`}
            </text>
          ) : null}
        </g>
      ))}
      {isNamed ? (
        <text class="on halo" x={isAtEnd ? width - 4 : 4} y={y + 14} text-anchor={isAtEnd ? 'end' : 'start'}>
          timeline {row.timeline}
        </text>
      ) : null}
    </>
  );
}

/** Names beside migrations and restore points that stand alone and have room. */
function Names({
  marks,
  view,
  width,
  y,
}: {
  readonly marks: readonly Marks[];
  readonly view: View;
  readonly width: number;
  readonly y: number;
}) {
  const placed = marks
    .filter(({ kind }) => EVENT_KINDS.includes(kind))
    .flatMap((each) => heapsOf(each.atMs, view, width, HEAP_PX).map((heap) => ({ heap, of: each })))
    .sort((a, b) => a.heap.x - b.heap.x);
  return (
    <>
      {placed.map(({ heap, of: { kind, names } }, index) => {
        const room = (placed[index + 1]?.heap.x ?? width) - heap.x;
        const name = names[heap.from] ?? '';
        if ((kind !== 'migration' && kind !== 'restore-point') || room < LABEL_PX || heap.x < 0 || heap.x + LABEL_PX > width) return null;
        const count = heap.until - heap.from;
        return (
          <text key={`${kind} ${heap.from}`} class="halo" x={heap.x + 10} y={y}>
            {count === 1
              ? shortened(name, Math.floor((room - 16) / 6))
              : `${count} ${kind === 'migration' ? 'migrations' : 'restore points'}`}
          </text>
        );
      })}
    </>
  );
}

/** The end of a file's name tells more than its date. */
function shortened(name: string, most: number): string {
  const bare = name.replace(/^\d{8}T\d{6}_/, '').replace(/\.sql$/, '');
  return bare.length <= most ? bare : `${bare.slice(0, Math.max(1, most - 1))}…`;
}
