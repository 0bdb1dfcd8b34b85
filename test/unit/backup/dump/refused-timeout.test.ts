import { describe, expect, test } from 'vitest';
import { metNothingElse, setsRefusedTimeout, withoutRefused } from '../../../../src/backup/dump/refused-timeout.ts';

const MESSAGE =
  'could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"\nCommand was: SET transaction_timeout = 0;';
const REFUSED = `pg_restore: error: ${MESSAGE}\n`;
const OTHER =
  'pg_restore: from TOC entry 215; 1259 16391 TABLE owned postgres\npg_restore: error: could not execute query: ERROR:  role "owner1" does not exist\nCommand was: ALTER TABLE public.owned OWNER TO owner1;\n\n\n';
const END = 'pg_restore: warning: errors ignored on restore: 1\n';

describe('a pg_restore of 17 or newer that went on after errors on an older server', () => {
  test('met nothing else where each error is the timeout that the server does not know', () => {
    expect(metNothingElse(REFUSED + END)).toBe(true);
    expect(metNothingElse(REFUSED + REFUSED + REFUSED + END)).toBe(true);
    // Of two of its processes at once.
    expect(metNothingElse(`pg_restore: pg_restore: error: error: ${MESSAGE}\n${MESSAGE}\n${END}`)).toBe(true);
    expect(metNothingElse(REFUSED.replace('ERROR:  unrecognized', 'FEHLER:  unbekannt') + END)).toBe(true);
  });

  test('met something else otherwise', () => {
    expect(metNothingElse('')).toBe(false);
    expect(metNothingElse(END)).toBe(false);
    // Nor did it come to its end.
    expect(metNothingElse(REFUSED)).toBe(false);
    expect(metNothingElse(REFUSED + OTHER + END)).toBe(false);
    expect(metNothingElse(`${REFUSED}pg_restore: error: a worker process died unexpectedly\n`)).toBe(false);
    expect(metNothingElse(`${REFUSED}pg_restore: error: could not write to file: No space left on device\n${END}`)).toBe(false);
    expect(metNothingElse(REFUSED.replace('= 0;', '= 5;') + END)).toBe(false);
    expect(withoutRefused(REFUSED + OTHER)).toBe(OTHER.trim());
  });

  test('is only one that sets it on a server that does not know it', () => {
    expect([16, 17, 18].map((program) => [14, 16, 17, 18].map((server) => setsRefusedTimeout(program, server)))).toEqual([
      [false, false, false, false],
      [true, true, false, false],
      [true, true, false, false],
    ]);
  });
});
