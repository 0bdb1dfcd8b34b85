import { useMemo, useRef, useState } from 'preact/hooks';
import { hasDumps, HEAP_PX, heightOf, Lanes, middleOf, type BandRow } from './lanes.tsx';
import { heapsOf } from './level-of-detail.ts';
import { describeMarks, type Marks } from './marks.ts';
import { MomentSlider } from './moment-slider.tsx';
import { OverviewStrip } from './overview-strip.tsx';
import { momentAt, panned, zoomed, type View } from './time-scale.ts';
import { useWidth } from './use-width.ts';
import { stamp } from './zoned-time.ts';

export interface TimelineProps {
  readonly cluster: string;
  readonly rows: readonly BandRow[];
  readonly marks: readonly Marks[];
  readonly bounds: View;
  readonly view: View;
  readonly range: View;
  readonly atMs: number;
  readonly timeZone: string;
  readonly label: string;
  readonly onView: (view: View) => void;
  readonly onMoment: (atMs: number) => void;
}

/** A press that moves less than this is a click. */
const LEAST_BRUSH_PX = 5;
const WHEEL_FACTOR = 1.0015;

/** All moments in lanes, with the moment that is looked at. Drag over it to look nearer; the wheel, too, once it has the focus. */
export function Timeline(props: TimelineProps) {
  const { cluster, rows, marks, bounds, view, range, atMs, timeZone, label, onView, onMoment } = props;
  const plot = useRef<HTMLDivElement>(null);
  const width = useWidth(plot);
  const [pointed, setPointed] = useState('');
  const lanes = useMemo(
    () => <Lanes rows={rows} marks={marks} view={view} width={width} timeZone={timeZone} label={label} />,
    [rows, marks, view, width, timeZone, label],
  );
  const strip = useMemo(
    () => <OverviewStrip rows={rows} bounds={bounds} view={view} width={width} onView={onView} />,
    [rows, bounds, view, width],
  );
  const height = heightOf(rows, hasDumps(marks));
  const xIn = (event: MouseEvent): number => event.clientX - (plot.current?.getBoundingClientRect().left ?? 0);
  const clampedMoment = (x: number): number => Math.round(Math.min(range.toMs, Math.max(range.fromMs, momentAt(x, view, width))));
  const onWheel = (event: WheelEvent): void => {
    const isMeant = event.ctrlKey || event.metaKey || plot.current?.contains(document.activeElement) === true;
    if (!isMeant) return;
    event.preventDefault();
    const perPx = (view.toMs - view.fromMs) / width;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
      onView(panned(view, (event.deltaX || event.deltaY) * perPx, bounds));
    else onView(zoomed(view, momentAt(xIn(event), view, width), WHEEL_FACTOR ** event.deltaY, bounds));
  };
  return (
    <div class="pitr">
      <div
        class="plot"
        ref={plot}
        onWheel={onWheel}
        onDblClick={() => onView(bounds)}
        onPointerMove={(event) => setPointed(pointedAt(xIn(event), event, { marks, view, width, rows, timeZone }))}
        onPointerLeave={() => setPointed('')}
      >
        <Brush
          height={height}
          xIn={xIn}
          onBrushed={(from, to) => onView({ fromMs: momentAt(from, view, width), toMs: momentAt(to, view, width) })}
          onClicked={(x) => {
            onMoment(clampedMoment(x));
            plot.current?.querySelector<HTMLElement>('[role=slider]')?.focus({ preventScroll: true });
          }}
        >
          {lanes}
        </Brush>
        <MomentSlider
          {...{ cluster, atMs, range, view, width, height, timeZone, plot, onMoment }}
          onZoom={(factor) => onView(factor === 'all' ? bounds : zoomed(view, atMs, factor, bounds))}
        />
      </div>
      {strip}
      <p class="readout">
        {pointed === '' ? (
          <>
            <span class="hide-s">Drag to look nearer, double click for all. </span>With the keyboard, on the moment: ← → a second, ↑ ↓ a
            minute, Page Up and Down an hour, + and − nearer and farther, 0 all.
          </>
        ) : (
          pointed
        )}
      </p>
    </div>
  );
}

interface PointedIn {
  readonly marks: readonly Marks[];
  readonly view: View;
  readonly width: number;
  readonly rows: readonly BandRow[];
  readonly timeZone: string;
}

/** What the pointer is on, in words: the same is in the table below. */
function pointedAt(
  x: number,
  event: PointerEvent & { readonly currentTarget: HTMLElement },
  { marks, view, width, rows, timeZone }: PointedIn,
): string {
  const y = event.clientY - event.currentTarget.getBoundingClientRect().top;
  for (const each of marks) {
    if (Math.abs(middleOf(each.kind, rows) - y) > 12) continue;
    const heap = heapsOf(each.atMs, view, width, HEAP_PX).find((one) => x >= one.x - HEAP_PX && x <= one.x + one.width + HEAP_PX);
    if (heap === undefined) continue;
    const [first, last] = [each.atMs[heap.from] ?? 0, each.atMs[heap.until - 1] ?? 0];
    const when = heap.until - heap.from === 1 ? stamp(first, timeZone) : `${stamp(first, timeZone)} to ${stamp(last, timeZone)}`;
    return `${describeMarks(each, heap.from, heap.until)} · ${when}`;
  }
  return stamp(Math.round(momentAt(x, view, width) / 1000) * 1000, timeZone);
}

interface BrushProps {
  readonly height: number;
  readonly xIn: (event: MouseEvent) => number;
  readonly onBrushed: (from: number, to: number) => void;
  readonly onClicked: (x: number) => void;
  readonly children: preact.ComponentChildren;
}

/** What is dragged over becomes the view. Only the band under the pointer is drawn meanwhile. */
function Brush({ height, xIn, onBrushed, onClicked, children }: BrushProps) {
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number }>();
  const end = (): void => setDrag(undefined);
  const isWide = drag !== undefined && Math.abs(drag.to - drag.from) >= LEAST_BRUSH_PX;
  return (
    <div
      class="brushed"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ from: xIn(event), to: xIn(event) });
      }}
      onPointerMove={(event) => void (drag !== undefined && setDrag({ from: drag.from, to: xIn(event) }))}
      onPointerUp={(event) => {
        if (drag === undefined) return;
        const to = xIn(event);
        end();
        if (Math.abs(to - drag.from) < LEAST_BRUSH_PX) onClicked(to);
        else onBrushed(Math.min(drag.from, to), Math.max(drag.from, to));
      }}
      onPointerCancel={end}
    >
      {children}
      {isWide ? (
        <i
          class="brush"
          style={{
            transform: `translateX(${Math.min(drag.from, drag.to)}px)`,
            width: `${Math.abs(drag.to - drag.from)}px`,
            height: `${height}px`,
          }}
        />
      ) : null}
    </div>
  );
}
