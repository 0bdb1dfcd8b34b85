import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { movedBy } from './moment-keys.ts';
import { momentAt, xOf, type View } from './time-scale.ts';
import { stamp } from './zoned-time.ts';

const SECOND = 1000;

export interface MomentSliderProps {
  readonly cluster: string;
  readonly atMs: number;
  /** The first and the last moment that can be chosen. */
  readonly range: View;
  readonly view: View;
  readonly width: number;
  /** Of the lanes above it. */
  readonly height: number;
  readonly timeZone: string;
  readonly plot: RefObject<HTMLDivElement | null>;
  readonly onMoment: (atMs: number) => void;
  readonly onZoom: (factor: number | 'all') => void;
}

const ZOOMS: Readonly<Record<string, number | 'all'>> = { '+': 0.5, '=': 0.5, '-': 2, '0': 'all' };

/** The line through all lanes, with a handle for the pointer and for the keyboard. */
export function MomentSlider(props: MomentSliderProps) {
  const { cluster, atMs, range, view, width, height, timeZone, plot, onMoment, onZoom } = props;
  const held = useRef(false);
  const x = xOf(atMs, view, width);
  const isSeen = x >= -1 && x <= width + 1;
  const text = stamp(Math.floor(atMs / SECOND) * SECOND, timeZone);
  const follow = (event: PointerEvent): void => {
    const left = plot.current?.getBoundingClientRect().left ?? 0;
    const asked = momentAt(Math.min(width, Math.max(0, event.clientX - left)), view, width);
    // Below a second a pixel says nothing, unless the view is that near.
    const whole = (view.toMs - view.fromMs) / width > 20 ? Math.round(asked / SECOND) * SECOND : Math.round(asked);
    onMoment(Math.min(range.toMs, Math.max(range.fromMs, whole)));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = movedBy(event.key, event.shiftKey, atMs, range);
    const zoom = ZOOMS[event.key];
    if (moved !== undefined) onMoment(moved);
    else if (zoom !== undefined) onZoom(zoom);
    else return;
    event.preventDefault();
  };
  return (
    <div class="slider">
      <i class="cursor" hidden={!isSeen} style={{ transform: `translateX(${x.toFixed(1)}px)`, top: `${18 - height}px` }} />
      <div
        class="handle"
        role="slider"
        tabIndex={0}
        aria-label={`Moment to restore ${cluster} to`}
        aria-valuemin={Math.floor(range.fromMs / SECOND)}
        aria-valuemax={Math.ceil(range.toMs / SECOND)}
        aria-valuenow={Math.round(atMs / SECOND)}
        aria-valuetext={text}
        style={{ transform: `translateX(${Math.min(width, Math.max(0, x)).toFixed(1)}px)` }}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          held.current = true;
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => void (held.current && follow(event))}
        onPointerUp={() => void (held.current = false)}
        onPointerCancel={() => void (held.current = false)}
      >
        <b class={x > width / 2 ? 'to-left' : undefined}>{text.replace(/[+-]\d\d:\d\d$/, '')}</b>
      </div>
    </div>
  );
}
