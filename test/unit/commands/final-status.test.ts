import { expect, test } from 'vitest';
import { isFinalStatus } from '../../../src/commands/schedule/final-status.ts';

test.each([
  [['backup', 'dump', '--cluster', 'main'], 3, true],
  [['backup', 'dump', '--cluster', 'main'], 1, false],
  [['backup', 'run', '--cluster', 'main'], 3, false],
  [['backup', 'run', '--cluster', 'main'], 64, true],
  [['backup', 'run', '--cluster', 'main'], 74, true],
  [['backup', 'dump'], null, false],
])('%j that ended with %s is tried again unless that would change nothing', (words, status, isFinal) => {
  expect(isFinalStatus(words, status)).toBe(isFinal);
});
