import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { parsePolicies } from '../../../src/schedule/parse.ts';
import { machineWith } from './machine.ts';

const SEED = 20_261_122;
const page = readFileSync(new URL('../../../docs/reference/configuration.md', import.meta.url), 'utf8');
const [config = '', policies = ''] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');

const PIECES = [
  '*x',
  '&x ',
  '<<: *x',
  '${A}',
  '${',
  '[',
  '{',
  '}',
  '"',
  "'",
  ':',
  '\t',
  '- ',
  '!!binary ',
  '~',
  '0x1f',
  '\u0000',
  '? ',
  '|',
  '>',
  '#',
  '\n\n',
  '%',
  '---\n',
  '__proto__: ',
  '1e999',
  '.nan',
];

/** A text with a few cuts and insertions. */
function damaged(text: string) {
  const damage = fc.record({ at: fc.nat(text.length), cut: fc.nat(40), piece: fc.constantFrom('', ...PIECES) });
  return fc
    .array(damage, { minLength: 1, maxLength: 4 })
    .map((all) => all.reduce((whole, { at, cut, piece }) => whole.slice(0, at) + piece + whole.slice(at + cut), text));
}

/** Either it is accepted, or refused with every problem located; anything else is thrown on. */
function acceptsOrLocates(file: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    expect(error.code).toMatch(/^(config|policies)-invalid$/);
    for (const line of (error.detail ?? '').split('\n')) expect(line).toMatch(new RegExp(`^${file}:\\d+:\\d+: \\S`));
  }
}

test('dbadmin.yaml damaged anywhere is refused with places, and never breaks the reader', () => {
  fc.assert(
    fc.property(damaged(config), (text) => {
      acceptsOrLocates('dbadmin.yaml', () => parseConfig('/project/dbadmin.yaml', text, machineWith(), {}));
    }),
    { seed: SEED, numRuns: 50 },
  );
});

test('policies.yaml damaged anywhere is refused with places, and never breaks the reader', () => {
  fc.assert(
    fc.property(damaged(policies), (text) => {
      acceptsOrLocates('policies.yaml', () => parsePolicies(text, { file: 'policies.yaml', env: {}, localZone: 'UTC' }));
    }),
    { seed: SEED, numRuns: 50 },
  );
});

test.each([
  ['an alias of nothing', 'version: *x\nclusters: {}\n'],
  [
    'aliases that multiply',
    `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]\n`,
  ],
  ['an alias of what it stands in', 'version: 1\nclusters: &x { main: *x }\n'],
  ['an alias as a key', 'version: &x 1\n*x : 2\n'],
  ['two documents', 'version: 1\n---\nversion: 1\n'],
  ['a tab for indentation', 'version: 1\nclusters:\n\tmain: {}\n'],
  ['not text at all', '\u0000\u0001\u0002'],
  ['a map as a key', '? { a: b }\n: c\n'],
])('dbadmin.yaml with %s is refused with a place', (_name, text) => {
  expect(() => parseConfig('/project/dbadmin.yaml', text, machineWith(), {})).toThrow(
    expect.objectContaining({ code: 'config-invalid', detail: expect.stringMatching(/^dbadmin.yaml:\d+:\d+: /) }),
  );
});

test('a byte order mark and Windows line ends change nothing', () => {
  const text = '\uFEFFversion: 1\r\nclusters:\r\n  main: { host: h }\r\n';
  expect(parseConfig('/project/dbadmin.yaml', text, machineWith(), {}).defaultCluster).toBe('main');
});
