import { expect, test } from 'vitest';
import { includesOf, withIncludesLed } from '../../../src/backup/configuration-includes.ts';

const TEXT = [
  "include_dir = 'conf.d' # of the distribution",
  "INCLUDE 'o''clock.conf'",
  'include_if_exists=perhaps.conf',
  "include_dir'close'",
  'include "/etc/pg rules.conf"',
  'include /etc/pg/more.conf # unquoted, as pg_hba.conf has it',
  "# include 'not.conf'",
  'included all all trust',
  "work_mem = 'include x'",
  '',
].join('\n');

test('includesOf: quoted as postgresql.conf or pg_hba.conf has it, or not; comments and other words do not count', () => {
  expect(includesOf(TEXT)).toEqual([
    { kind: 'directory', path: 'conf.d' },
    { kind: 'file', path: "o'clock.conf" },
    { kind: 'optional', path: 'perhaps.conf' },
    { kind: 'directory', path: 'close' },
    { kind: 'file', path: '/etc/pg rules.conf' },
    { kind: 'file', path: '/etc/pg/more.conf' },
  ]);
});

test('withIncludesLed: what is led is quoted as the file has it, and everything else stays as it is', () => {
  const led = withIncludesLed(TEXT, ({ path }) =>
    path === 'close' || path.startsWith('/') || path.includes("'") ? `/o'r/${path.length}` : undefined,
  );
  expect(led.split('\n').slice(1, 6)).toEqual([
    "INCLUDE '/o''r/12'",
    'include_if_exists=perhaps.conf',
    "include_dir'/o''r/5'",
    'include "/o\'r/18"',
    'include "/o\'r/17" # unquoted, as pg_hba.conf has it',
  ]);
  expect(withIncludesLed(TEXT, () => undefined)).toBe(TEXT);
});
