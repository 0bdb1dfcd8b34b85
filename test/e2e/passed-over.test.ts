import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCli } from './run-cli.ts';

/** A project of two clusters, whose repositories are not there. */
const cwd = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-passed-over-'));
afterAll(async () => await rm(cwd, { recursive: true, force: true }));
await mkdir(path.join(cwd, 'backups'));
await writeFile(
  path.join(cwd, 'dbadmin.yaml'),
  `version: 1
clusters:
  main: { host: 127.0.0.1, port: 1, user: u, database: d, repositories: [a, b] }
  other: { host: 127.0.0.1, port: 1, user: u, database: d, repositories: [a] }
repositories: { a: { type: disk, path: a }, b: { type: disk, path: b } }
`,
);
await writeFile(
  path.join(cwd, 'backups', 'policies.yaml'),
  `version: 1
policies:
  drilled: { cluster: main, repositories: [a], base: { full: { cron: "0 2 * * *" } }, drill: { cron: "0 5 * * 0" } }
  undrilled: { cluster: main, repositories: [b], base: { full: { cron: "0 3 * * *" } } }
  others: { cluster: other, repositories: [a], base: { full: { cron: "0 4 * * *" } }, drill: { cron: "0 6 * * 0" } }
`,
);

const MAIN = ['--cluster', 'main'];

test.each([
  [['backup', 'hold', '--reason', 'audit', ...MAIN], /^error: which backup or dump is meant is not said\n/],
  [['backup', 'hold', '--until', '90d', ...MAIN], /^error: which backup or dump is meant is not said\n/],
  [['backup', 'hold', '--release', ...MAIN], /^error: which backup or dump is meant is not said\n/],
  [['backup', 'hold', 'some-label', '--release', '--until', '90d', ...MAIN], /^error: --release has no end/],
  [['wal', 'find', '--drop', 'core.play', '2026-11-21', ...MAIN], /^error: an end, "2026-11-21", goes with --commits-between and/],
  [['wal', 'find', '--truncate', 'core.play', '2026-11-21', ...MAIN], /^error: an end, "2026-11-21", goes with/],
  [['wal', 'find', '--mass-delete', 'core.play', '2026-11-21', ...MAIN], /^error: an end, "2026-11-21", goes with/],
  [['backup', 'drill', '--policy', 'others', ...MAIN], /^error: policy others is of cluster other, and not of main\n/],
  [['backup', 'drill', '--policy', 'undrilled', ...MAIN], /^error: policy undrilled has no drill/],
  [['backup', 'drill', '--policy', 'driled', ...MAIN], /^error: there is no policy "driled", did you mean "drilled"\?\n/],
])('%j: what would be passed over is refused', async (args, message) => {
  const { status, stderr } = await runCli(args, { cwd });
  expect(stderr).toMatch(message);
  expect(status).toBe(64);
});

test.each([
  [['backup', 'hold', ...MAIN]],
  [['wal', 'find', '--commits-between', '2026-11-21 14:00', '2026-11-21 14:05', ...MAIN, '--repository', 'a']],
  [['backup', 'drill', '--policy', 'drilled', ...MAIN, '--repository', 'a']],
])('%j: what is heeded gets as far as its repository', async (args) => {
  expect(await runCli(args, { cwd })).toMatchObject({ status: 10 });
});

test('backup expire of repositories that all fail is one JSON document: the error', async () => {
  const { status, stdout, stderr } = await runCli(['backup', 'expire', '--window', '7d', '--json', ...MAIN], { cwd });
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'repository-missing', exitStatus: 10 } });
  expect(stderr.match(/^warning: nothing more was removed from [ab]: /gm)).toHaveLength(2);
  expect(status).toBe(10);
});
