import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';

const lsns = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test('an LSN reads back as what was printed', () => {
  fc.assert(
    fc.property(lsns, (lsn) => parseLsn(formatLsn(lsn)) === lsn),
    { seed: 20261121 },
  );
});

test('an LSN is printed as PostgreSQL prints it', () => {
  expect(formatLsn(0x5a0c3e10n)).toBe('0/5A0C3E10');
  expect(formatLsn(0x16_0000_0028n)).toBe('16/28');
});

test.each(['', '0', '0/', '/0', '0/0/0', '0/123456789', 'g/0', ' 0/0', '-1/0'])('"%s" is refused by name', (text) => {
  expect(() => parseLsn(text)).toThrow(expect.objectContaining({ code: 'lsn-invalid', message: `"${text}" is not a WAL position` }));
});
