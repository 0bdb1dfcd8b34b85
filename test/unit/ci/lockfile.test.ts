import { expect, test } from 'vitest';
import { lockProblems, unpinned } from '../../../.ci/lockfile.ts';

test('lockProblems: a download address, a missing checksum, an undecided install script and engines - each is told', () => {
  const packages = {
    '': {},
    'node_modules/good': { integrity: 'sha512-x' },
    'node_modules/linked': { link: true },
    'node_modules/addressed': { integrity: 'sha512-x', resolved: 'https://mirror.example/addressed.tgz' },
    'node_modules/unchecked': { version: '1.0.0' },
    'node_modules/a/node_modules/@scope/scripted': { integrity: 'sha512-x', hasInstallScript: true },
    'node_modules/picky': { integrity: 'sha512-x', engines: { node: '>=22' } },
    'node_modules/alias': { integrity: 'sha512-x', hasInstallScript: true, name: '@scope/decided' },
  };
  expect(lockProblems(packages, new Set(['@scope/decided']))).toEqual([
    'addressed: the lock file has a download address',
    'unchecked: the lock file has no checksum',
    "@scope/scripted: package.json's allowScripts says nothing of its install script",
    'picky: the lock file has its engines; node .ci/prepare.mjs takes them out',
  ]);
});

test('unpinned: ranges and tags are told, versions and aliases of versions are not', () => {
  const dependencies = { a: '1.2.3', b: '1.2.3-beta.4', c: 'npm:@scope/c@1.2.3', d: '^1.2.3', e: 'latest', f: '1.x', g: 'npm:g@2' };
  expect(unpinned(dependencies).map((line) => line[0])).toEqual(['d', 'e', 'f', 'g']);
});
