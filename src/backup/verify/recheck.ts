import type { StandingVerification } from './record.ts';
import type { ReadExtent } from './sampling.ts';

/** What earlier verifications found, and this one looks at again. */
export interface Recheck {
  /** Keys of objects that are read to their ends, whatever else is. */
  readonly objects: ReadonlySet<string>;
  /** Labels of the verifications all of whose findings are looked at again. */
  readonly verifications: readonly string[];
}

/**
 * What is found missing is missed by every verification; damaged content is met again only where it is read. Of a report that names
 * only some of its faults, or cannot be read, nobody knows what to read again but everything.
 */
export function recheckOf(standing: readonly StandingVerification[], extent: ReadExtent): Recheck {
  const whole = standing.filter(({ findings }) => extent.kind === 'everything' || findings?.isComplete === true);
  return {
    objects: new Set(standing.flatMap(({ findings }) => findings?.objects ?? [])),
    verifications: whole.map(({ header: { label } }) => label),
  };
}
