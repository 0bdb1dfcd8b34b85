import { useEffect, useState } from 'preact/hooks';

/** A value once it has not changed for a while: what is asked when a slider rests. */
export function useSettled<Value>(value: Value, afterMs: number): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    if (Object.is(settled, value)) return undefined;
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, settled]);
  return settled;
}
