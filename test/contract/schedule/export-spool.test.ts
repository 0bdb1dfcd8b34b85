import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInProcess } from '../../backup/in-process.ts';

let directory: string;

beforeAll(async () => {
  // A project below /tmp has units that share it anyway.
  directory = await mkdtemp('/dev/shm/export-spool-');
  await mkdir(path.join(directory, 'backups'));
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    'version: 1\nclusters:\n  main:\n    url: postgresql://nobody@127.0.0.1:1/none\n    repositories: [local]\nrepositories:\n  local: { type: disk, path: /srv/backup }\n',
    { mode: 0o600 },
  );
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

async function exported(spool: string, ...words: readonly string[]): Promise<string> {
  const dump = `{ cron: "@daily"${spool === '' ? '' : `, spool: ${spool}`} }`;
  await writeFile(
    path.join(directory, 'backups', 'policies.yaml'),
    `version: 1\npolicies:\n  app: { cluster: main, repositories: [local], base: none, dump: ${dump} }\n`,
  );
  const config = path.join(directory, 'dbadmin.yaml');
  const end = await runInProcess(['schedule', 'export', ...words, '--config', config], { XDG_STATE_HOME: directory });
  expect(end.status, end.stderr).toBe(0);
  return end.stdout;
}

test.each([
  ['', 'yes', false],
  ['/tmp', 'yes', false],
  ['/tmp/spool', 'no', true],
  ['/var/tmp/spool/', 'no', true],
  ['/usr/local/spool', 'yes', true],
])('systemd: a service can write to the spool %j of a policy, and sees the one that is meant', async (spool, isPrivate, isNamed) => {
  const text = await exported(spool, '--systemd', path.join(directory, 'units'), '--print');
  expect(text).toContain(`PrivateTmp=${isPrivate}\n`);
  expect(text.includes(`ReadWritePaths=-${spool.replace(/\/$/, '')}\n`)).toBe(isNamed);
});

test('systemd: what is set aside lies on disk, where the environment file says nothing else', async () => {
  const text = await exported('', '--systemd', path.join(directory, 'units'), '--print', '--environment-file', '/etc/dbadmin/environment');
  const services = text.split('[Service]').slice(1);
  expect(services.length).toBeGreaterThan(0);
  for (const service of services) expect(service).toMatch(/^Environment=TMPDIR=\/var\/tmp\nEnvironmentFile=/m);
});

test.each([
  ['', 0],
  ['/tmp', 0],
  ['/var/lib/dbadmin', 0],
  ['/srv/spool', 1],
])('kubernetes: the spool %j of a policy is a volume: nothing else can be written to', async (spool, volumes) => {
  const text = await exported(spool, '--kubernetes', '--image', 'dbadmin');
  expect(text.match(/name: spool-1\n\s+mountPath: \/srv\/spool\n/g) ?? []).toHaveLength(volumes);
  expect(text.match(/name: spool-1\n\s+emptyDir: \{\}\n/g) ?? []).toHaveLength(volumes);
  if (volumes === 0) expect(text).not.toContain('spool-1');
});
