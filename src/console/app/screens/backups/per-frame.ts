import { useRef } from 'preact/hooks';

/** At most one call a frame, with the newest value: a pointer may tell more often than a screen can show. */
export function usePerFrame<Value>(call: (value: Value) => void): (value: Value) => void {
  const waiting = useRef<{ readonly value: Value } | undefined>(undefined);
  const latest = useRef(call);
  latest.current = call;
  return (value) => {
    const isAsked = waiting.current !== undefined;
    waiting.current = { value };
    if (isAsked) return;
    requestAnimationFrame(() => {
      const { current } = waiting;
      waiting.current = undefined;
      if (current !== undefined) latest.current(current.value);
    });
  };
}
