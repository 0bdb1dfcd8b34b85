import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { withoutBlocks, type TakeMode } from './mode.ts';
import { ShortenedMeanwhile, ShortenedUnanswered, SummariesGone } from './shortened-relations-inspect.ts';

/** The backup would rest on content of earlier ones that was found to be damaged in some repositories. */
export class RestsOnDamage extends DbadminError {
  constructor(label: string, names: readonly string[]) {
    super('repository-damaged', `backup ${label} would rest on content that is damaged in ${names.join(' and ')}`, {
      hint: 'What was found was stored anew each time, and then more was: look at the storage, and take a backup into another one (dbadmin backup init).',
    });
  }
}

/** How a backup goes on after a failed attempt, and what is said of it: a sentence without its last stop. */
export interface NextAttempt {
  readonly mode: TakeMode;
  readonly note: string;
}

/** An attempt that ends before anything has come costs a checkpoint; a reading of everything may cost hours. */
const MOST_TRIES = 4;

/** Whether there is another attempt when the one numbered `tries` from 1 comes to rest on damage. */
export function mayTryAgain(tries: number): boolean {
  return tries < MOST_TRIES;
}

/**
 * The next attempt after one failed in `mode`, which was the one numbered `tries` from 1 that was given up for damage, or for what
 * the server said; undefined when its failure is the backup's.
 *
 * `hasBegun` says whether the server had begun to send. Then there is none, but for damage that was found after everything had come: what has come is in packs that no index lists,
 * and a server that refuses now refuses for another reason (a standby was promoted, or replayed that full page writes were off).
 *
 * What was cut back up to the begin of the failed attempt is known to the next one, which looks again right before it begins.
 */
export function afterFailure(mode: TakeMode, error: unknown, tries: number, hasBegun: boolean): NextAttempt | undefined {
  if (error instanceof RestsOnDamage) return mayTryAgain(tries) ? { mode: afterDamage(mode), note: READ_AGAIN } : undefined;
  if (mode.kind !== 'blocks' || hasBegun) return undefined;
  const { label } = mode.parent;
  if (error instanceof ShortenedMeanwhile && mayTryAgain(tries))
    return { mode, note: 'the backup begins anew, since VACUUM cut a relation back before it began' };
  const reason = reasonAgainst(error, label);
  return reason === undefined ? undefined : { mode: withoutBlocks(mode, reason), note: `${reason}; reading everything` };
}

/** What is done about damage: a sentence without its last stop. */
export const READ_AGAIN = 'everything is read, and what is damaged is stored anew';

/** The mode when content is damaged: it is read from the cluster again, and all that the parent has is looked at on the way. */
export function afterDamage(mode: TakeMode): TakeMode {
  return mode.kind === 'everything' ? mode : { kind: 'audit', parent: mode.parent };
}

function reasonAgainst(error: unknown, label: string): string | undefined {
  if (error instanceof ShortenedMeanwhile) return `VACUUM cut relations back before each of ${MOST_TRIES} attempts began`;
  if (error instanceof ShortenedUnanswered) return `the server did not say which relations were cut back since ${label}`;
  if (error instanceof SummariesGone) return error.message;
  return lacksSummaries(error) ? `the server has no WAL summaries back to ${label}` : undefined;
}

const OBJECT_NOT_IN_PREREQUISITE_STATE = '55000';

/** Whether a failed reading is the server's refusal to tell what changed since the parent. */
function lacksSummaries(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return systemCodeOf(error) === OBJECT_NOT_IN_PREREQUISITE_STATE || systemCodeOf(cause) === OBJECT_NOT_IN_PREREQUISITE_STATE;
}
