import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Project } from '../../live/status/project.ts';
import { startWebhook } from '../../live/status/receivers.ts';

// Port 1 of this machine: nobody listens there.
const NOWHERE = 'postgresql://nobody@127.0.0.1:1/nothing';
const POLICIES = `version: 1
policies:
  shop: { cluster: main, repositories: [local], base: { full: { cron: "0 2 * * *" } }, limits: { backup_age: 1h }, notify: [{ webhook: "\${OPS_WEBHOOK}" }] }
`;
let directory: string;
let project: Project;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-status-'));
  project = new Project(path.join(directory, 'project'));
});
afterAll(async () => await rm(directory, { recursive: true }));

test('status: server and repository away: every form says so, and none that all is well', { timeout: 60_000 }, async () => {
  await project.write(NOWHERE, path.join(directory, 'not-mounted'), POLICIES);
  const [text, nagios, coded, metrics] = await Promise.all([
    project.run('status'),
    project.run('status', '--nagios'),
    project.run('status', '--exit-code', '--json'),
    project.run('status', '--prometheus'),
  ]);
  expect(text.status).toBe(0);
  expect(text.stdout).toMatch(/^main: if this host vanished now: what is lost is not known: repository local cannot be read/);
  expect(text.stdout).toMatch(/server +not known: cannot connect/);
  expect(text.stdout).toMatch(/FAILED +main: the server does not answer/);
  expect([nagios.status, nagios.stdout.split(';', 1)[0]]).toEqual([2, 'DBADMIN CRITICAL - 2 wrong']);
  expect(coded.status).toBe(2);
  const document = JSON.parse(coded.stdout) as { clusters: readonly { server: object }[]; problems: readonly { kind: string }[] };
  expect(document.clusters[0]?.server).toMatchObject({ unknown: expect.stringMatching(/cannot connect/) });
  expect(document.problems.map(({ kind }) => kind).toSorted()).toEqual(['repository-away', 'server-away']);
  expect(metrics.stdout).toContain('dbadmin_up{cluster="main"} 0\n');
});

test('status: a control database that is away is told of, once where it is on a cluster that is away', { timeout: 60_000 }, async () => {
  const found = async (control: string): Promise<readonly string[]> => {
    await project.write(NOWHERE, path.join(directory, 'not-mounted'), POLICIES);
    const file = path.join(project.directory, 'dbadmin.yaml');
    await writeFile(file, `${await readFile(file, 'utf8')}${control}\n`);
    const { stdout } = await project.run('status', '--json');
    return (JSON.parse(stdout) as { problems: readonly { kind: string }[] }).problems.map(({ kind }) => kind);
  };
  expect(await found('control: { url: "postgresql://x@127.0.0.1:2/none" }')).toContain('control-away');
  // The same server as the cluster's: that one is told of already.
  expect(await found('control: { url: "postgresql://x@127.0.0.1:1/none" }')).not.toContain('control-away');
});

test('status --out: the file is there whole, for whoever reads it, or it stays as it was', { timeout: 60_000 }, async () => {
  await project.write(NOWHERE, path.join(directory, 'not-mounted'), POLICIES);
  const file = path.join(directory, 'dbadmin.prom');
  expect(await project.run('status', '--prometheus', '--out', file)).toMatchObject({ status: 0, stdout: '' });
  expect(await readFile(file, 'utf8')).toMatch(/^# HELP dbadmin_build_info/);
  expect((await stat(file)).mode & 0o777).toBe(0o644);
  const elsewhere = await project.run('status', '--prometheus', '--out', path.join(directory, 'gone', 'x.prom'));
  expect([elsewhere.status, elsewhere.stderr]).toEqual([1, expect.stringMatching(/cannot write .*x\.prom/)]);
});

test('status: a repository without a backup, and policies that cannot be read', { timeout: 60_000 }, async () => {
  await project.write(NOWHERE, path.join(directory, 'repository'), POLICIES);
  await project.run('backup', 'init');
  expect((await project.run('status')).stdout).toMatch(/^main: if this host vanished now: everything is lost: local holds nothing of it/);
  await writeFile(path.join(project.directory, 'backups', 'policies.yaml'), 'version: 1\npolicies: { shop: { clustr: main } }\n');
  const wrong = await project.run('status', '--nagios');
  expect([wrong.status, wrong.stdout]).toEqual([
    2,
    expect.stringMatching(/CRITICAL the policies cannot be read: 3 problems in backups\/policies\.yaml/),
  ]);
  // Whoever would be told is in that file.
  expect(await project.run('alerts', 'check')).toMatchObject({ status: 1, stderr: expect.stringMatching(/nobody can be told anything/) });
  const listed = await project.run('alerts', 'list');
  expect(listed).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^nobody has looked yet/),
    stderr: expect.stringMatching(/who is told is not known: 3 problems in backups\/policies\.yaml \(backups\/policies\.yaml:2:\d+: /),
  });
});

test('status --nagios: what keeps status from being made is UNKNOWN, not a failure that a monitoring system takes for something else', async () => {
  const nowhere = new Project(directory);
  const { status, stdout } = await nowhere.run('status', '--nagios', '--config', 'not-there.yaml');
  expect([status, stdout]).toEqual([3, expect.stringMatching(/^DBADMIN UNKNOWN - there is no .*not-there\.yaml/)]);
});

test(
  'alerts: a variable that is not set keeps the receiver from being told, and the schedule from nothing',
  { timeout: 60_000 },
  async () => {
    await project.write(NOWHERE, path.join(directory, 'not-mounted'), POLICIES);
    expect((await project.run('schedule', 'list')).status).toBe(0);
    const tried = await project.run('alerts', 'test');
    expect([tried.status, tried.stdout]).toEqual([3, expect.stringMatching(/environment variable OPS_WEBHOOK is not set/)]);
    // What must last is seen and told to nobody yet.
    const first = await project.json<{ events: unknown[]; raised: number }>('alerts', 'check');
    expect(first).toMatchObject({ events: [], raised: 0 });
    const listed = await project.json<{ alerts: readonly { phase: string; kind: string }[] }>('alerts', 'list');
    expect(listed.alerts.map(({ phase, kind }) => `${phase} ${kind}`).toSorted()).toEqual([
      'waiting repository-away',
      'waiting server-away',
    ]);
  },
);

test('alerts: certificates that cannot be read keep mail from being sent, and webhooks from nothing', { timeout: 60_000 }, async () => {
  const hook = await startWebhook();
  const notify = `[{ webhook: "\${OPS_WEBHOOK}" }, { email: dba@example.org }]`;
  const mail = 'mail: { host: 127.0.0.1, security: tls, from: dbadmin@example.org, ca_file: gone/ca.pem }\n';
  const policies = POLICIES.replace('[{ webhook: "${OPS_WEBHOOK}" }]', notify) + mail;
  await project.write(NOWHERE, path.join(directory, 'not-mounted'), policies.replace('"${OPS_WEBHOOK}"', JSON.stringify(hook.url)));
  const tried = await project.run('alerts', 'test');
  expect([tried.status, tried.stdout]).toEqual([
    3,
    expect.stringMatching(/told +webhook-[^]*failed +email dba@example\.org: cannot read the certificates .*gone\/ca\.pem \(ENOENT/),
  ]);
  expect(hook.received.map(({ message }) => message.event)).toEqual(['test']);
  expect((await project.run('alerts', 'check')).status).toBe(0);
  expect((await project.run('doctor')).stdout).toMatch(/who is told: email dba@example\.org[^]*cannot read the certificates/);
  await hook.close();
});
