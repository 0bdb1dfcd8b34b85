import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const LARGEST_INSTALL_BYTES = 60 * 1000 * 1000;

const root = path.resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-package-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}
let packed: Packed;

// In a copy of what goes into it: packing swaps package.json for a moment, and other files run beside this one.
beforeAll(() => {
  const copy = path.join(directory, 'copy');
  for (const name of [
    'package.json',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'bin',
    'dist',
    'schemas',
    'monitoring',
    'man',
    'systemd',
    '.ci',
  ]) {
    if (existsSync(path.join(root, name))) cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
  }
  packed = (JSON.parse(run('npm', ['pack', '--json', '--pack-destination', directory], copy)) as Packed[])[0] ?? {
    filename: '',
    files: [],
  };
  expect(readFileSync(path.join(copy, 'package.json'))).toEqual(readFileSync(path.join(root, 'package.json')));
});

/** The environment of somebody's own shell: without the settings that `npm test` hands down, and without a cluster. */
function run(program: string, args: readonly string[], cwd: string): string {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:npm_|PG|DATABASE_URL|NODE_OPTIONS|VITEST)/.test(name)),
  );
  const result = spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: 100_000 });
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.status}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

test('the package has the command, what it runs and the licence, and neither sources nor tests', () => {
  const names = packed.files.map((file) => file.path);
  expect(names).toEqual(
    expect.arrayContaining([
      'package.json',
      'LICENSE',
      'bin/dbadmin.cjs',
      'dist/cli.js',
      'man/dbadmin.1',
      'systemd/dbadmin-worker.service',
    ]),
  );
  expect(
    names.filter(
      (name) => !/^(?:bin|dist|schemas|monitoring|man|systemd)\/|^(?:package\.json|LICENSE|README\.md|CHANGELOG\.md)$/.test(name),
    ),
  ).toEqual([]);
  expect(names.filter((name) => /\.(?:test|spec)\.|(?<!\.d)\.ts$/.test(name))).toEqual([]);
});

test('the package installs into an empty directory, runs there, and takes less than 60 MB', { timeout: 300_000 }, async () => {
  const empty = path.join(directory, 'empty');
  mkdirSync(empty);
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', path.join(directory, packed.filename)], empty);
  const command = path.join(empty, 'node_modules/.bin/dbadmin');
  expect(run(command, ['--version'], empty)).toMatch(/^dbadmin \d+\.\d+\.\d+/);
  expect(run(command, ['--help'], empty)).toContain('restore');
  const manifest = JSON.parse(readFileSync(path.join(empty, 'node_modules/dbadmin/package.json'), 'utf8')) as Record<string, unknown>;
  expect(manifest['engines']).toEqual({ node: '>=24' });
  expect(Object.keys(manifest)).not.toEqual(expect.arrayContaining(['scripts']));
  expect(readdirSync(path.join(empty, 'node_modules')).filter((name) => /^pg\d+-|embedded/.test(name))).toEqual([]);
  expect(await sizeBytes(path.join(empty, 'node_modules'))).toBeLessThan(LARGEST_INSTALL_BYTES);
});

async function sizeBytes(place: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += (await lstat(path.join(entry.parentPath, entry.name))).size;
  }
  return sum;
}
