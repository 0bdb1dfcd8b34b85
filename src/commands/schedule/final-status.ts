import { IN_PART, NOT_PRINTED, WRONG_USAGE } from '../../base/exit-status.ts';

/**
 * Whether a command that failed with `status` would fail so again. What a dump could not take waits for somebody to grant it, and each
 * attempt would be one more dump, in the place of an older one. What is done and could not be printed is done.
 */
export function isFinalStatus(words: readonly string[], status: number | null): boolean {
  if (status === WRONG_USAGE || status === NOT_PRINTED) return true;
  return status === IN_PART && words[0] === 'backup' && words[1] === 'dump';
}
