import { expect, test } from 'vitest';
import { describeSharedDamage, type Uncopied } from '../../../../src/backup/sync/uncopied-run.ts';
import { showUncopied } from '../../../../src/commands/repository/show-uncopied.ts';
import { printed } from '../../../backup/printed.ts';

/** What is said of what did not come from local to offsite. */
function told(...failed: readonly Uncopied[]): string {
  return printed((output) => showUncopied(output, failed, { from: 'local', to: 'offsite' })).stdout;
}

const ofDestination: Uncopied = { kind: 'backup', name: 'F2', problem: describeSharedDamage('pack 00 is damaged') };
const ofSource: Uncopied = { kind: 'backup', name: 'F1', problem: 'pack 11 is damaged' };

test('where the destination is damaged nobody is sent to look at the source, or at a third repository', () => {
  const text = told(ofDestination);
  expect(text).toContain('not copied backup F2: what it shares with backups that are there is damaged in the destination: pack 00');
  expect(text).toContain('backup verify --read-data --repository offsite');
  expect(text).toContain('repository rebuild-index --repository offsite');
  expect(text).not.toMatch(/--repository local|third repository/);
});

test('where the source is, the destination is not accused', () => {
  expect(told(ofSource)).toMatch(/backup verify --read-data --repository local[^]*third repository/);
  expect(told(ofSource)).not.toContain('--read-data --repository offsite');
  expect(told(ofSource, ofDestination)).toMatch(/--read-data --repository local[^]*--read-data --repository offsite/);
});
