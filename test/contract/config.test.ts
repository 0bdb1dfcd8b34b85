import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig, selectCluster } from '../../src/config/load.ts';

const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-config-'));
afterAll(async () => await rm(directory, { recursive: true, force: true }));

async function load(text: string, env: Readonly<Record<string, string>> = {}, cwd = directory) {
  await writeFile(path.join(directory, 'dbadmin.yaml'), text);
  return await loadConfig({ env: { HOME: directory, PATH: process.env['PATH'], ...env }, cwd });
}

function passwordFrom(source: string): string {
  return `version: 1\nclusters:\n  main: { host: h, user: u, database: d, password: ${source} }\n`;
}

test('a password may be the first line of a file, relative to dbadmin.yaml', async () => {
  await writeFile(path.join(directory, 'secret'), 's3cret\nsecond line\n');
  await mkdir(path.join(directory, 'below'), { recursive: true });
  const config = await load(passwordFrom('{ from: file, path: secret }'), {}, path.join(directory, 'below'));
  expect(selectCluster(config).connection.password?.reveal()).toBe('s3cret');
});

test('a password may be what a command prints, run once and only when it is needed', async () => {
  const log = path.join(directory, 'asked');
  const config = await load(passwordFrom(`{ from: command, run: "echo asked >> ${log}; printf 's3cret\\\\n'" }`));
  const { password } = selectCluster(config).connection;
  await expect(readFile(log, 'utf8')).rejects.toThrow('ENOENT');
  expect(password?.reveal()).toBe('s3cret');
  expect(password?.reveal()).toBe('s3cret');
  expect(await readFile(log, 'utf8')).toBe('asked\n');
});

test.each([
  ['{ from: file, path: absent }', /^dbadmin.yaml:3:52: cannot read .*absent$/],
  ['{ from: env, name: ABSENT }', /^dbadmin.yaml:3:52: environment variable ABSENT is not set$/],
  ['{ from: command, run: "echo hunter2; exit 3" }', /^dbadmin.yaml:3:52: command "echo hunter2; exit 3" failed with status 3$/],
  ['{ from: command, run: "true" }', /gave nothing$/],
])('a password from %s fails when it is needed, with its place', async (source, message) => {
  const config = await load(passwordFrom(source));
  const { password } = selectCluster(config).connection;
  expect(() => password?.reveal()).toThrow(expect.objectContaining({ code: 'config-invalid', message: expect.stringMatching(message) }));
});

test('~/.pgpass is read when it is private, and ignored with a warning when others can read it', async () => {
  const file = path.join(directory, '.pgpass');
  await writeFile(file, 'h:*:*:u:filed\n', { mode: 0o600 });
  const text = 'version: 1\nclusters: { main: { host: h, user: u, database: d } }\n';
  expect(selectCluster(await load(text)).connection.password?.reveal()).toBe('filed');
  await chmod(file, 0o644);
  const config = await load(text);
  expect(selectCluster(config).connection.password).toBeUndefined();
  expect(config.warnings).toEqual([expect.stringContaining('has group or world access')]);
  await rm(file);
});

test('a file named by --config or DBADMIN_CONFIG that is not there is missing, not looked for elsewhere', async () => {
  await writeFile(path.join(directory, 'dbadmin.yaml'), 'version: 1\nclusters: { main: { host: h } }\n');
  const context = { env: { HOME: directory }, cwd: directory };
  await expect(loadConfig(context, { config: 'absent.yaml' })).rejects.toMatchObject({ code: 'config-missing' });
  await expect(loadConfig({ ...context, env: { DBADMIN_CONFIG: 'absent.yaml' } })).rejects.toMatchObject({ code: 'config-missing' });
});
