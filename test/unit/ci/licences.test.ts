import { expect, test } from 'vitest';
import { isAllowed, refusedPackages } from '../../../.ci/licences.ts';

test.each(['MIT', 'Apache-2.0', '(MIT OR GPL-3.0-only)', 'MIT AND ISC', '(MIT AND (BSD-3-Clause OR GPL-2.0-only))', '(MIT OR CC0-1.0)'])(
  'isAllowed: %s - yes',
  (licence) => {
    expect(isAllowed(licence)).toBe(true);
  },
);

test.each(['GPL-3.0-only', 'MIT AND GPL-3.0-only', '(AGPL-3.0-only OR SSPL-1.0)', 'UNLICENSED', 'SEE LICENSE IN terms.txt', ''])(
  'isAllowed: %s - no',
  (licence) => {
    expect(isAllowed(licence)).toBe(false);
  },
);

test('refusedPackages: names what is shipped under another licence or none, and passes what only developers get', () => {
  const packages = {
    '': { version: '1.0.0' },
    'test/postgres': { version: '0.0.0' },
    'node_modules/good': { license: 'MIT' },
    'node_modules/tool': { license: 'GPL-3.0-only', dev: true },
    'node_modules/dbadmin-test-postgres': { link: true },
    'node_modules/bad': { license: 'GPL-3.0-only' },
    'node_modules/good/node_modules/@scope/silent': {},
  };
  expect(refusedPackages(packages, (_place, locked) => locked.license)).toEqual(['bad: GPL-3.0-only', '@scope/silent: no licence given']);
});
