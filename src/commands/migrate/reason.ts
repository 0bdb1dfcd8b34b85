import { DbadminError } from '../../base/errors.ts';

/**
 * The reason that stands after `--`, which the history keeps.
 *
 * @throws {DbadminError} `usage` without one.
 */
export function reasonOf(words: readonly string[], command: string): string {
  const reason = words.join(' ').trim();
  if (reason !== '') return reason;
  throw new DbadminError('usage', 'a reason is missing', {
    detail: 'It is kept in the history for whoever wonders in a year.',
    hint: `Give it last: dbadmin migrate ${command} -- the column was added by hand in an outage`,
  });
}
