import type { Preflight } from '../restore/inspect.ts';
import type { RestoredPosition } from './returning.ts';

/** Up to where a restore certainly brings everything. */
export function restoredPosition({ lineage, resolution }: Pick<Preflight, 'lineage' | 'resolution'>): RestoredPosition {
  const { end, before } = resolution;
  switch (end.kind) {
    case 'lsn':
      // The record that begins there is in it; how long it is, is known of commits.
      return { lineage, untilLsn: end.inclusive && before?.lsn === end.lsn ? before.endLsn : end.lsn };
    case 'immediate':
      return { lineage, untilLsn: end.lsn };
    case 'end-of-wal':
      return { lineage, untilLsn: resolution.neededUntil };
  }
}
