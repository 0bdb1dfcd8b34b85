import { expect, test } from 'vitest';
import { lastSaid } from '../../../src/base/last-said.ts';

const PRINTED =
  'warning: the disk is slow\nerror: first\n  detail: of all\nwarning: older ones were not removed\n  detail: One is damaged.\n  done\n';

test.each([
  ['the last error with its detail', `${PRINTED}error: second\n  detail: a detail\n  hint: none\n`, 1, 'second: a detail'],
  ['an error before any warning', PRINTED, 4, 'first: of all'],
  ['the last warning where nothing expired', PRINTED.replace('error', 'note'), 4, 'older ones were not removed: One is damaged.'],
  ['no warning where something else is wrong', PRINTED.replace('error', 'note'), 3, undefined],
  ['nothing of what said nothing', '', 4, undefined],
])('it is %s', (_what, text, status, said) => {
  expect(lastSaid(text, status)).toBe(said);
});
