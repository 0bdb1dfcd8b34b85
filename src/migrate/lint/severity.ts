import type { RelationFacts } from '../effects/known-objects.ts';
import { lockLevel, type LockMode } from '../effects/lock-modes.ts';
import type { Severity } from './finding.ts';
import type { Weight } from './rule.ts';

/** Below this a table is read or written anew in a tenth of a second: 10 MB. */
const SMALL_BYTES = 10_000_000;
/** From here on that takes many seconds: 1 GB. */
const LARGE_BYTES = 1_000_000_000;

/** Severity of a finding; `facts` of the relation it is about, undefined where no database was asked or it has none such. */
export function severityOf(weight: Weight, lock: LockMode | undefined, facts: RelationFacts | undefined): Severity {
  const isSmall = facts !== undefined && facts.sizeBytes < SMALL_BYTES;
  switch (weight) {
    case 'rows':
      if (facts === undefined) return 'warning';
      return isSmall ? 'notice' : facts.sizeBytes < LARGE_BYTES ? 'warning' : 'error';
    case 'moment':
      // What stops writers alone is over before most of them notice.
      return isSmall || (lock !== undefined && lockLevel(lock) < lockLevel('AccessExclusive')) ? 'notice' : 'warning';
    case 'loss':
      if (facts === undefined) return 'warning';
      return facts.rows === 0 || facts.sizeBytes === 0 ? 'notice' : isSmall ? 'warning' : 'error';
    case 'notice':
    case 'warning':
    case 'error':
      return weight;
  }
}
