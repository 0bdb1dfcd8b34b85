import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { warnOfNotExpired } from '../../../src/commands/backup/expire-after.ts';

test('where the storage does not let the writer delete, the warning says what is to be said in the policy', () => {
  const said: string[] = [];
  const output = { warn: (text: string) => void said.push(text) };
  const denied = new DbadminError('storage-denied', 'the storage refused', { detail: 'Access Denied.' });
  warnOfNotExpired(output, 'dump', 'offsite', { error: denied, isRemoved: false });
  warnOfNotExpired(output, 'dump', 'offsite', { error: new DbadminError('storage-failed', 'the storage failed'), isRemoved: false });
  expect(said).toEqual([
    'the dump is taken, but older ones were not removed from offsite: the storage refused\n  detail: Access Denied.\n  hint: Where another one expires, as with the IAM policy of a writer, say expire: manual in the retention of the policy.',
    'the dump is taken, but older ones were not removed from offsite: the storage failed',
  ]);
});
