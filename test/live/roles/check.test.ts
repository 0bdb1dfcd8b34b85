import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess } from '../../backup/in-process.ts';
import type { CommandEnd } from '../../backup/command.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, type Project } from './project.ts';

const FILE = `version: 1
profiles: { reader: { tables: [select] } }
groups: { app_owner: {}, app_reader: {} }
services: { svc_api: { member_of: app_reader, connection_limit: 5 } }
never:
  - svc_* can not update on table core.audit_log
  - no login is superuser except postgres
databases:
  music:
    schemas: { core: { owner: app_owner, creators: [app_owner] } }
    access: [{ profile: reader, on: core, to: app_reader }]
`;

describe('dbadmin roles check', () => {
  let cluster: TestCluster;
  let sql: Sql;
  let project: Project;
  const roles = async (text: string, ...args: string[]): Promise<CommandEnd> => {
    const file = path.join(project.directory, 'roles.yaml');
    await writeFile(file, text);
    return await runInProcess(['roles', ...args, '--file', file, '--url', cluster.url(), '--yes'], {});
  };

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 17 });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    sql = connect(cluster.url('music'));
    await sql.unsafe('create schema core; create table core.audit_log (id int); create role outside');
    project = await openProject(cluster);
    await project.apply(FILE);
  });

  afterAll(async () => {
    await project?.close();
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('is 0 when the cluster is as the file says and its rules hold', async () => {
    const { status, stdout } = await roles(FILE, 'check');
    expect(stdout).toMatch(/in sync, .*; 2 never rules hold$/m);
    expect(status).toBe(0);
  });

  it('finds a rule that is broken by what the file does not manage: through a role out of scope', async () => {
    await sql.unsafe('grant update on core.audit_log to outside; grant outside to app_reader');
    try {
      const { status, stdout } = await roles(FILE, 'check');
      expect(status).toBe(2);
      expect(stdout).toMatch(
        /^NEVER {3}.*roles\.yaml:6:5: svc_api has UPDATE on table core\.audit_log in music: member of app_reader \(inherit\) → outside → UPDATE granted by \w+/m,
      );
      expect(stdout).toMatch(/1 broken under never/);
    } finally {
      await sql.unsafe('revoke outside from app_reader; revoke update on core.audit_log from outside');
    }
  });

  it('says beforehand that a file would break its own rule, and nothing is applied', async () => {
    const breaking = FILE.replace('tables: [select]', 'tables: [select, update]');
    const { status, stdout } = await roles(breaking, 'check');
    expect(status).toBe(2);
    expect(stdout).toMatch(/NEVER .*svc_api has UPDATE on table core\.audit_log in music: .*; applying the file would do it/);
    const applied = await roles(breaking, 'apply');
    expect(applied).toMatchObject({ status: 1, stderr: expect.stringMatching(/the plan would break a rule under never/) });
    expect((await roles(FILE, 'check')).status).toBe(0);
  });

  it('remarks on what is seldom meant, by severity, unless the file accepts it with a reason', async () => {
    const bare = FILE.replace('member_of: app_reader, connection_limit: 5', 'member_of: [{ role: app_reader, admin: true }]');
    const found = await roles(bare, 'check', '--format', 'json');
    expect(found.status).toBe(2);
    const { findings } = JSON.parse(found.stdout) as {
      findings: readonly { kind: string; rule: string; severity: string; line: number }[];
    };
    expect(findings.filter(({ kind }) => kind === 'lint')).toMatchObject([
      { rule: 'admin-to-login', severity: 'warning', line: 4 },
      { rule: 'no-connection-limit', severity: 'notice', line: 4 },
    ]);
    const accepted = `${FILE.replace('core.audit_log', 'core.gone')}audit: { accept: [{ finding: never-idle, on: "*", reason: the table comes with the next migration }] }\n`;
    expect((await roles(accepted, 'check')).status).toBe(0);
    expect((await roles(FILE.replace('core.audit_log', 'core.gone'), 'check')).stdout).toMatch(
      /warning .*guards nothing: no database has such an object \(never-idle\)/,
    );
  });

  it('remarks on a view through which is read what a rule forbids, until the view asks for the reader', async () => {
    await sql.unsafe(
      'create schema vault; create table vault.card (id int, pan text); create view core.cards as select id, pan from vault.card',
    );
    try {
      const guarded = FILE.replace(
        'never:',
        'never:\n  - svc_* can not select on column vault.card.pan\n  - svc_* can not select on table vault.card',
      );
      await project.apply(guarded);
      const { status, stdout } = await roles(guarded, 'check');
      expect(status).toBe(2);
      for (const object of ['column vault\\.card\\.pan', 'table vault\\.card']) {
        expect(stdout).toMatch(
          new RegExp(
            `^warning .*holds, and yet svc_api can read ${object} in music through view core\\.cards, which reads as \\w+ .*never-detour`,
            'm',
          ),
        );
      }
      expect(stdout).toMatch(/4 never rules hold; 2 remarks on the file$/m);
      const accepted = `${guarded}audit: { accept: [{ finding: never-detour, on: "*", reason: the view is meant }] }\n`;
      expect((await roles(accepted, 'check')).status).toBe(0);
      await sql.unsafe('alter view core.cards set (security_invoker = true)');
      expect((await roles(guarded, 'check')).status).toBe(0);
    } finally {
      await sql.unsafe('drop schema vault cascade');
    }
  });

  it('prints findings as annotations, JUnit and JSON', async () => {
    await sql.unsafe('grant update on core.audit_log to svc_api');
    try {
      const github = await roles(FILE, 'check', '--format', 'github');
      expect(github.stdout).toMatch(
        /^::error file=.*roles\.yaml,line=1,col=1,title=roles%3A drift::NARROW +svc_api − UPDATE on core\.audit_log/m,
      );
      expect(github.stdout).toMatch(
        /^::error file=.*roles\.yaml,line=6,col=5,title=roles%3A never::svc_api has UPDATE on table core\.audit_log.*%0A/m,
      );
      const junit = await roles(FILE, 'check', '--format', 'junit');
      expect(junit.stdout).toMatch(/<testsuite name="drift" tests="1" failures="1">/);
      expect(junit.stdout).toMatch(/<testsuite name="never" tests="2" failures="1">/);
      expect(junit.stdout).toMatch(/<testcase classname="[^"]*" name="no login is superuser except postgres"\/>/);
      expect(JSON.parse((await roles(FILE, 'check', '--json')).stdout)).toMatchObject({
        inSync: false,
        failed: true,
        checked: { never: 2 },
      });
    } finally {
      await sql.unsafe('revoke update on core.audit_log from svc_api');
    }
  });
});
