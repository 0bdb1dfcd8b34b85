import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startTestCluster } from '../postgres/fixture.ts';
import { runCli } from './run-cli.ts';

const PASSWORD = 'a pass:wörd\\';
const cluster = await startTestCluster({ password: PASSWORD });
const cwd = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-init-'));
afterAll(async () => {
  await cluster.stop();
  await rm(cwd, { recursive: true, force: true });
});

test('init --url writes the connection without its password, and the next command connects', async () => {
  const made = await runCli(['init', 'app', '--url', cluster.url()], { cwd });
  expect(made).toMatchObject({ status: 0, stdout: expect.stringContaining(`PostgreSQL ${cluster.major}`) });
  expect(made.stdout + made.stderr).not.toContain(PASSWORD);
  const config = await readFile(path.join(cwd, 'app', 'dbadmin.yaml'), 'utf8');
  expect(config).toContain(`url: "postgresql://postgres@${cluster.host}:${cluster.port}/postgres"`);
  expect(config).not.toMatch(/w%C3%B6rd|wörd/);
  expect((await stat(path.join(cwd, 'app', '.pgpass'))).mode & 0o777).toBe(0o600);
  expect(await readFile(path.join(cwd, 'app', '.gitignore'), 'utf8')).toContain('/.pgpass\n');

  const status = await runCli(['migrate', 'status', '--json'], { cwd: path.join(cwd, 'app') });
  expect(JSON.parse(status.stdout)).toMatchObject({ database: 'postgres', migrations: [] });
});

test('what init makes is read by every command that reads a file', async () => {
  const directory = path.join(cwd, 'app');
  expect(await runCli(['schedule', 'list'], { cwd: directory })).toMatchObject({ status: 0, stdout: expect.stringContaining('main.full') });
  expect(await runCli(['roles', 'check'], { cwd: directory })).toMatchObject({ status: 0 });
});

test('a change without a terminal and without --yes is refused, and nothing is changed', async () => {
  const directory = path.join(cwd, 'app');
  const roles = 'version: 1\nmode: add\nscope: { roles: [asking] }\ngroups: { asking: {} }\n';
  await writeFile(path.join(directory, 'asking.yaml'), roles);
  await writeFile(
    path.join(directory, 'asking-config.yaml'),
    `${await readFile(path.join(directory, 'dbadmin.yaml'), 'utf8')}paths: { roles: asking.yaml }\n`,
  );
  const asked = await runCli(['roles', 'apply', '--json', '--config', 'asking-config.yaml'], { cwd: directory });
  expect(JSON.parse(asked.stdout)).toMatchObject({ error: { code: 'confirmation-missing', hint: expect.stringContaining('--yes') } });
  expect(asked.status).toBe(1);
  expect(await runCli(['roles', 'check', '--config', 'asking-config.yaml'], { cwd: directory })).toMatchObject({ status: 2 });
});

test('init never overwrites, and says what it kept', async () => {
  const directory = path.join(cwd, 'kept');
  await mkdir(directory);
  await writeFile(path.join(directory, 'dbadmin.yaml'), 'mine\n');
  await writeFile(path.join(directory, '.gitignore'), '*.log\n');
  const { status, stdout, stderr } = await runCli(['init', '--url', cluster.url(), '--json'], { cwd: directory });
  expect(status).toBe(0);
  expect(await readFile(path.join(directory, 'dbadmin.yaml'), 'utf8')).toBe('mine\n');
  const { entries } = JSON.parse(stdout) as { readonly entries: readonly { readonly path: string; readonly made: boolean }[] };
  expect(entries.filter(({ made }) => !made).map((entry) => entry.path)).toEqual(['dbadmin.yaml', '.gitignore']);
  expect(stderr).toContain('the connection of --url was tried but not written');
  expect(stderr).toContain('.gitignore was there already and does not name .pgpass');
});

test.each([
  ['a wrong password', () => cluster.url('postgres', 'postgres', 'wrong'), 12, 'credentials-wrong'],
  ['a database that is not there', () => cluster.url('absent'), 1, 'connection-failed'],
  ['nobody listening', () => 'postgresql://u@127.0.0.1:1/d', 1, 'connection-failed'],
  ['TLS demanded of a server that has none', () => `${cluster.url()}?sslmode=verify-full`, 1, 'connection-failed'],
])('init with %s fails clearly and makes nothing', async (_name, url, exitStatus, code) => {
  const { status, stdout } = await runCli(['init', 'failed', '--url', url(), '--json'], { cwd });
  expect(status).toBe(exitStatus);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code, hint: expect.any(String) } });
  await expect(stat(path.join(cwd, 'failed'))).rejects.toThrow('ENOENT');
});
