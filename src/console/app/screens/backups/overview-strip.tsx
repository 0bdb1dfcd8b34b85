import { useRef } from 'preact/hooks';
import { layBands, layGaps } from './bands.ts';
import type { BandRow } from './lanes.tsx';
import { fitted, xOf, type View } from './time-scale.ts';

const HEIGHT = 18;

interface OverviewStripProps {
  readonly rows: readonly BandRow[];
  readonly bounds: View;
  readonly view: View;
  readonly width: number;
  readonly onView: (view: View) => void;
}

/** All there is in one strip, and which part of it is shown above: a press moves that part. The keys of the slider do the same. */
export function OverviewStrip({ rows, bounds, view, width, onView }: OverviewStripProps) {
  const grabbedAt = useRef<number | undefined>(undefined);
  const row = rows.at(-1);
  const [left, right] = [xOf(view.fromMs, bounds, width), xOf(view.toMs, bounds, width)];
  const place = (event: PointerEvent & { readonly currentTarget: SVGSVGElement }, grab: number): void => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    const span = view.toMs - view.fromMs;
    const fromMs = bounds.fromMs + ((x - grab) / width) * (bounds.toMs - bounds.fromMs);
    onView(fitted({ fromMs, toMs: fromMs + span }, bounds));
  };
  return (
    <svg
      class="strip"
      width={width}
      height={HEIGHT}
      aria-hidden="true"
      onPointerDown={(event) => {
        const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
        const isOnIt = x >= left && x <= right;
        grabbedAt.current = isOnIt ? x - left : (right - left) / 2;
        event.currentTarget.setPointerCapture(event.pointerId);
        if (!isOnIt) place(event, grabbedAt.current);
      }}
      onPointerMove={(event) => void (grabbedAt.current !== undefined && place(event, grabbedAt.current))}
      onPointerUp={() => void (grabbedAt.current = undefined)}
      onPointerCancel={() => void (grabbedAt.current = undefined)}
    >
      {layBands(row?.bands ?? [], bounds, width).map(({ x, width: wide, of }) => (
        <rect key={of.fromMs} class={of.kind === 'proven' ? 'cover' : 'cover un'} x={x} y="5" width={wide} height="8" />
      ))}
      {layGaps(row?.gaps ?? [], bounds, width, 4).map(({ x, width: wide, of }) => (
        <rect key={of.fromMs} class="gap" x={x} y="4" width={wide} height="10" />
      ))}
      <rect class="shown" x={Math.max(0.75, left)} y="0.75" width={Math.max(6, right - left - 1.5)} height={HEIGHT - 1.5} />
    </svg>
  );
}
