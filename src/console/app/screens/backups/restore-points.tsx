import { useState } from 'preact/hooks';
import { formatBytes } from '../../../../base/bytes.ts';
import { useAnswer } from '../../answer.ts';
import { counted } from '../../words.ts';
import type { Found, Info } from './documents.ts';
import type { View } from './time-scale.ts';

/** So much WAL is read through without being asked. */
const FREELY_BYTES = 256 * 1024 * 1024;
const NONE: Found['found'] = [];

export interface RestorePoints {
  readonly found: Found['found'];
  readonly state: 'shown' | 'looking' | 'not-looked' | 'failed';
  readonly why: string | undefined;
  readonly walBytes: number;
  readonly look: (view: View) => void;
}

/** The restore points in the stored WAL. Only the WAL itself knows them: where there is much of it, it is read on demand. */
export function useRestorePoints(cluster: string, repository: string, info: Info): RestorePoints {
  const segments = info.wal.timelines.flatMap(({ runs }) => runs).reduce((sum, run) => sum + run.segments, 0);
  const walBytes = segments * info.wal.segmentBytes;
  const [asked, setAsked] = useState<View>();
  const isFree = walBytes <= FREELY_BYTES;
  const iso = (ms: number): string => new Date(Math.round(ms)).toISOString();
  const span = asked === undefined ? { from: iso(0) } : { from: iso(asked.fromMs), until: iso(asked.toMs) };
  const { answer, failure, isLoading } = useAnswer<Found>(
    isFree || asked !== undefined ? 'backups/points' : undefined,
    { cluster, repository, ...span },
    isFree ? { everyMs: 30_000 } : {},
  );
  const state = answer !== undefined ? 'shown' : isLoading ? 'looking' : failure !== undefined ? 'failed' : 'not-looked';
  return { found: answer?.document.found ?? NONE, state, why: failure?.message, walBytes, look: setAsked };
}

export function PointsSearch({ points, view }: { readonly points: RestorePoints; readonly view: View }) {
  const { state, why, walBytes, found, look } = points;
  if (walBytes <= FREELY_BYTES) return null;
  return (
    <p class="note bar" role="status">
      {state === 'shown' ? `${counted(found.length, 'restore point')} found in the WAL that was looked at.` : null}
      {state === 'looking' ? 'Reading the stored WAL for restore points.' : null}
      {state === 'failed' ? `Restore points are not known: ${why ?? ''}.` : null}
      {state === 'not-looked' ? `Restore points stand in the WAL alone, and ${formatBytes(walBytes)} of it are stored.` : null}
      <button type="button" class="btn" disabled={state === 'looking'} onClick={() => look(view)}>
        Look for restore points in what is shown
      </button>
    </p>
  );
}
