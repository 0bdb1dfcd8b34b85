import { expect, test } from 'vitest';
import { COMMANDS } from '../../../src/commands/catalogue.ts';
import { patienceOf } from '../../../src/commands/patience.ts';

test('what takes a whole backup or restores one waits for a storage that is away, and begins not anew', () => {
  const patient = COMMANDS.filter(({ name }) => patienceOf(name) > 0).map(({ name }) => name);
  expect(patient.toSorted()).toEqual([
    'backup adopt',
    'backup drill',
    'backup dump',
    'backup run',
    'migrate rehearse',
    'migrate rollback',
    'repository sync',
    'restore',
  ]);
});
