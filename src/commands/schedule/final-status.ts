const IN_PART_STATUS = 3;
const NOT_EXPIRED_STATUS = 4;
const USAGE_STATUS = 64;

/**
 * Whether a command that ended with `status` would end so again. What a dump could not take waits for somebody to grant it, and each
 * attempt would be one more dump, in the place of an older one. Where everything is taken and only older ones did not expire, each attempt would take it again, in the
 * very repository from which nothing goes.
 */
export function isFinalStatus(words: readonly string[], status: number | null): boolean {
  return (
    status === USAGE_STATUS || status === NOT_EXPIRED_STATUS || (status === IN_PART_STATUS && words[0] === 'backup' && words[1] === 'dump')
  );
}
