import { useEffect, useState } from 'preact/hooks';
import { ask, type Run } from '../api.ts';

/** What was started in this console and goes on, asked anew whenever `turn` changes. */
export function useRunning(turn: number): readonly Run[] {
  const [runs, setRuns] = useState<readonly Run[]>([]);
  useEffect(() => {
    let isGone = false;
    ask<{ readonly runs: readonly Run[] }>('/api/runs').then(
      (answer) => void (isGone || setRuns(answer.runs.filter(({ state }) => state === 'running'))),
      () => undefined,
    );
    return () => void (isGone = true);
  }, [turn]);
  return runs;
}
