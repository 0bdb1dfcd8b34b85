import { IN_PART, NOT_EXPIRED, WRONG_USAGE } from '../exit-status.ts';

/**
 * Whether a command that ended with `status` would end so again. What a dump could not take waits for somebody to grant it, and each
 * attempt would be one more dump, in the place of an older one. Where everything is taken and only older ones did not expire, each attempt would take it again, in the
 * very repository from which nothing goes.
 */
export function isFinalStatus(words: readonly string[], status: number | null): boolean {
  return status === WRONG_USAGE || status === NOT_EXPIRED || (status === IN_PART && words[0] === 'backup' && words[1] === 'dump');
}
