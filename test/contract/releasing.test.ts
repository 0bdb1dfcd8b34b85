import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };

test('RELEASING.md names every full measure and every benchmark, and no other', () => {
  const there = Object.keys(scripts).filter((name) => /^(test|bench):/.test(name) && name !== 'test:unit');
  const named = [...read('RELEASING.md').matchAll(/`(?:npm run )?((?:test|bench):[\w-]+)`/g)].map(([, name = '']) => name);
  expect(named.toSorted()).toEqual(there.toSorted());
});

test('what says that npm run test:… is its full measure is run by that', () => {
  const files = Object.entries(scripts).flatMap(([name, command]) =>
    name.startsWith('test:') ? command.split(' ').flatMap((word) => (word.endsWith('.test.ts') ? [[name, word] as const] : [])) : [],
  );
  for (const [name, file] of files) expect(read(file), `${file} of ${name}`).toContain('DBADMIN_');
  for (const kind of ['backup-killed', 'restore-killed', 'expire-killed', 'wal-receive']) {
    const file = `test/fault/${kind}.test.ts`;
    expect(read(file)).toContain('npm run test:kill');
    expect(files).toContainEqual(['test:kill', file]);
  }
});
