import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge } from '../../../src/roles/audit/accept.ts';
import { AUDIT_RULES, audit } from '../../../src/roles/audit/audit.ts';
import type { Finding } from '../../../src/roles/audit/finding.ts';
import { inspectForAudit } from '../../../src/roles/audit/inspect.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { migrateWarehouse } from '../spotify/warehouse.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { CLEAN_DATABASE, CLEAN_ROLES, PLANTED_PATHS } from './planted-paths.ts';
import { connect, openProject } from './project.ts';

/** `14,15,16,17,18`: every path on each of these. */
const ALL_MAJORS = process.env['DBADMIN_TEST_AUDIT'];
const HBA = ['local all all trust', 'host all all 127.0.0.1/32 trust'];
/** Rules without a planted path here: what they are about is no SQL, or needs a log of some age. */
const ELSEWHERE = ['trusted-host', 'stale-login'];

const findingsOf = async (cluster: TestCluster, databases?: readonly string[]): Promise<readonly Finding[]> =>
  audit(await inspectForAudit(cluster.parameters(), { databases, staleSince: undefined }), new Date());

const named = (findings: readonly Finding[]): readonly string[] => findings.map(({ rule, subject }) => `${rule}: ${subject}`);

it('every rule has a planted path', () => {
  const planted = new Set([...PLANTED_PATHS.map((each) => each.finding), ...ELSEWHERE]);
  expect(AUDIT_RULES.map((rule) => rule.name).filter((name) => !planted.has(name))).toEqual([]);
  expect(planted.size).toBeGreaterThanOrEqual(15);
});

describe.each(ALL_MAJORS?.split(',').map(Number) ?? [14, 17])('audit on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let app: Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major, hba: HBA, provider: 'embedded' });
  });

  afterAll(async () => {
    await app?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('finds nothing in a cluster as initdb makes it', async () => {
    expect(await findingsOf(cluster)).toEqual([]);
  });

  it('finds nothing in a database whose roles are in order', async () => {
    const admin = connect(cluster.url());
    await admin.unsafe(CLEAN_ROLES);
    await admin.unsafe('create database app owner app_owner');
    await admin.unsafe('revoke connect on database postgres from public');
    await admin.end();
    app = connect(cluster.url('app'));
    await app.unsafe(CLEAN_DATABASE);
    expect(await findingsOf(cluster)).toEqual([]);
  });

  // All of them on 17; on others those that differ there. With the variable, all on each.
  const here = PLANTED_PATHS.filter(
    ({ from = 0, until = 99, differs = 0 }) =>
      from <= major && major <= until && (major === 17 || ALL_MAJORS !== undefined || major <= differs),
  );

  it.each(here)('$finding is found and its SQL closes it: $plant', async ({ finding, subject, plant, undo }) => {
    await app.unsafe(plant);
    const found = await findingsOf(cluster, ['app']);
    expect(named(found)).toContain(`${finding}: ${subject}`);
    expect(found.filter((each) => each.sql.length === 0)).toEqual([]);
    for (const statement of found.flatMap((each) => each.sql)) await app.unsafe(statement);
    expect(named(await findingsOf(cluster, ['app']))).toEqual([]);
    if (undo !== undefined) await app.unsafe(undo);
  });

  // Its memberships have options that are there from 16 on.
  if (major >= 16) {
    it('finds nothing in the reference project but what its file accepts', async () => {
      const text = await readFile(new URL('../../../roles/roles.yaml', import.meta.url), 'utf8');
      await app.unsafe('create database listening');
      await migrateWarehouse(cluster.url('listening'));
      const project = await openProject(cluster);
      await project.apply(text);
      await project.close();
      const { accepted: lines } = parseRolesDocument(text, 'roles.yaml');
      const judged = judge(await findingsOf(cluster), lines, 'roles.yaml', new Date());
      expect(named(judged.open)).toEqual([]);
      expect(judged.accepted.map(({ finding }) => finding.subject)).toContain('svc_backup');
      expect(judged.notes).toEqual([]);
    });
  }
});

describe('dbadmin roles audit', () => {
  let cluster: TestCluster;
  let admin: Sql;
  let directory: string;
  const run = async (...args: string[]): Promise<CommandResult> =>
    await dbadmin(['roles', 'audit', '--url', cluster.url(), ...args], directory);

  beforeAll(async () => {
    cluster = await startTestCluster({
      major: 18,
      hba: HBA,
      provider: 'embedded',
      settings: { logging_collector: 'on', log_directory: 'log', log_connections: 'on', log_rotation_age: 0 },
    });
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-audit-'));
    admin = connect(cluster.url());
    await admin.unsafe(
      `${CLEAN_ROLES}; revoke connect on database postgres from public; alter role mallory bypassrls; grant pg_monitor to victim`,
    );
  });

  afterAll(async () => {
    await admin?.end({ timeout: 1 });
    await rm(directory, { recursive: true, force: true });
    await cluster?.stop();
  });

  it('says who can do what, on what that rests, what closes it, and exits 2', async () => {
    const { status, stdout } = await run();
    expect(status).toBe(2);
    expect(stdout).toMatch(/HIGH\s+mallory: sees and changes all rows .* {3}bypassrls-login/);
    expect(stdout).toContain('mallory has BYPASSRLS');
    expect(stdout).toContain('close:  ALTER ROLE "mallory" NOBYPASSRLS;');
    expect(stdout).toContain('1 finding: 1 high.');
  });

  it('--json has the same, with stable keys', async () => {
    const { status, stdout } = await run('--json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      cluster: 'main',
      server: 18,
      databases: ['postgres'],
      findings: [
        { rule: 'bypassrls-login', severity: 'high', subject: 'mallory', database: null, sql: ['ALTER ROLE "mallory" NOBYPASSRLS'] },
      ],
      accepted: [],
      counts: { critical: 0, high: 1, medium: 0, low: 0 },
    });
  });

  it('--format sql prints what closes it; --severity leaves out what is below', async () => {
    expect((await run('--format', 'sql')).stdout).toContain('ALTER ROLE "mallory" NOBYPASSRLS;');
    const { status, stdout } = await run('--severity', 'critical', '--format', 'sql');
    expect(status).toBe(0);
    expect(stdout).toBe('-- nothing to close\n');
  });

  it('takes as accepted what the file accepts with a reason, until the day it says, and tells lines that match nothing', async () => {
    const accept = async (lines: string): Promise<CommandResult> => {
      await writeFile(path.join(directory, 'roles.yaml'), `version: 1\naudit:\n  accept:\n${lines}\n`);
      return await run('--file', 'roles.yaml');
    };
    const accepted = await accept(
      '    - { finding: bypassrls-login, on: mall*, reason: dumps }\n    - { finding: md5-password, on: nobody, reason: old }',
    );
    expect(accepted.stdout).toContain('no findings, 1 accepted');
    expect(accepted.stderr).toContain('roles.yaml:5: md5-password on nobody is accepted and there is no such finding');
    expect(accepted.status).toBe(0);
    const wrong = await accept('    - { finding: bypass, on: mallory, reason: dumps }');
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain('roles.yaml:4:7: there is no finding "bypass"');
  });

  it('--stale finds who is not in the log, and says so when the log is too young', async () => {
    const young = await run('--stale', '90d', '--json');
    expect((JSON.parse(young.stdout) as { notes: string[] }).notes.join()).toContain('the log does not go back to');
    await admin`select pg_rotate_logfile()`;
    // The times of files have no parts of a second.
    await pause(2500);
    const staleSince = new Date();
    await admin.unsafe('grant connect on database postgres to victim');
    const login = connect(cluster.url('postgres', 'victim'));
    await login`select 1`;
    await login.end();
    const state = await inspectForAudit(cluster.parameters(), { databases: undefined, staleSince });
    expect(state.notes).toEqual([]);
    const stale = audit(state, new Date()).filter(({ rule }) => rule === 'stale-login');
    expect(stale.map(({ subject, sql }) => [subject, sql])).toEqual([['mallory', ['ALTER ROLE "mallory" NOLOGIN']]]);
  });

  it('a login without rights is told what it may not look at', async () => {
    const { status, stderr } = await dbadmin(['roles', 'audit', '--url', cluster.url('postgres', 'victim')], directory);
    expect(status).toBe(2);
    expect(stderr).toContain('passwords were not looked at: victim may not read pg_authid');
    expect(stderr).toContain('pg_hba.conf was not looked at');
  });
});
