const IN_PART_STATUS = 3;
const USAGE_STATUS = 64;

/**
 * Whether a command that ended with `status` would end so again. What a dump could not take waits for somebody to grant it, and each
 * attempt would be one more dump, in the place of an older one.
 */
export function isFinalStatus(words: readonly string[], status: number | null): boolean {
  return status === USAGE_STATUS || (status === IN_PART_STATUS && words[0] === 'backup' && words[1] === 'dump');
}
