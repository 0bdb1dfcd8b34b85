import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusedSettings, UNTRIED } from '../../../src/roles/inspect-settings.ts';
import { settingAssignment } from '../../../src/roles/print.ts';
import type { SettingValue } from '../../../src/roles/document/document.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, outcome, type Project } from './project.ts';

const BAD = `version: 1
services:
  svc_a:
    settings: { work_mem: 12 parsecs, wrok_mem: 64MB, search_path: [app], jit: perhaps, default_tablespace: later }
    settings_in: { music: { statement_timeout: -5, app.tenant: anything } }
  svc_b: { settings: { shared_buffers: 1GB, log_connections: on, idle_session_timeout: 1ms, role: nobody_yet } }
databases:
  music:
    settings: { TimeZone: Mars/Olympus, lc_messages: xx_XX, client_encoding: latin1 }
`;

describe.each([14, 18])('settings on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let project: Project;
  let sql: Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major });
    sql = connect(cluster.url());
    await sql.unsafe('create database music');
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('are refused by the plan, all at once and located, where the server would not store them', async () => {
    const failure = await project.plan(BAD).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'roles-invalid' });
    expect((failure as { readonly detail: string }).detail.split('\n').map((line) => line.split(/;| \(0/)[0])).toEqual([
      'roles.yaml:4:17: settings of role svc_a: invalid value for parameter "work_mem": "12 parsecs"',
      'roles.yaml:4:39: settings of role svc_a: unrecognized configuration parameter "wrok_mem"',
      'roles.yaml:4:75: settings of role svc_a: parameter "jit" requires a Boolean value',
      'roles.yaml:5:29: settings of role svc_a in database music: -5 ms is outside the valid range for parameter "statement_timeout"',
      'roles.yaml:6:24: settings of role svc_b: parameter "shared_buffers" cannot be changed without restarting the server',
      'roles.yaml:6:45: settings of role svc_b: parameter "log_connections" cannot be set after connection start',
      'roles.yaml:9:17: settings of database music: invalid value for parameter "TimeZone": "Mars/Olympus"',
      'roles.yaml:9:41: settings of database music: invalid value for parameter "lc_messages": "xx_XX"',
    ]);
    expect(await sql`select from pg_roles where rolname like 'svc%'`).toHaveLength(0);
    expect(await sql`select from pg_db_role_setting`).toHaveLength(0);
  });

  it('that are stored are left in peace, whatever the server would say to them today', async () => {
    await sql.unsafe(`create role svc_old login; alter role svc_old set work_mem = '4MB'`);
    await sql.unsafe(`set allow_system_table_mods = on;
      update pg_db_role_setting set setconfig = '{work_mem=nonsense}' where setrole = 'svc_old'::regrole`);
    expect(await project.lines('version: 1\nservices: { svc_old: { settings: { work_mem: nonsense } } }\n')).toEqual([]);
  });

  it('are tried without harm to whoever tries', async () => {
    const harmless = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout'];
    const settings = harmless.map((name) => `${name}: 1ms`).join(', ');
    const text = `version: 1\nservices: { svc_short: { settings: { ${settings}, client_encoding: latin1, default_transaction_read_only: on } } }\n`;
    await project.apply(text);
    expect(await project.lines(text)).toEqual([]);
  });

  it('that the connected role may not set are no finding about their value', async () => {
    await sql.unsafe('create role planner login');
    const planner = await openProject(cluster, {}, cluster.parameters('postgres', 'planner'));
    try {
      const text = (value: string): string => `version: 1\nservices: { svc_log: { settings: { log_statement: ${value} } } }\n`;
      expect(await planner.lines(text('all'))).toEqual(expect.arrayContaining([expect.stringMatching(/log_statement/)]));
    } finally {
      await planner.close();
    }
  });

  it('are refused exactly where ALTER ROLE refuses them: every setting of the server, with values of every sort', async () => {
    await sql.unsafe('create role victim');
    const known = await sql<{ name: string; setting: string; most: string | null }[]>`
      select lower(name) as name, setting, max_val as most from pg_settings`;
    const names = [
      ...known,
      { name: 'role', setting: 'none', most: null },
      { name: 'session_authorization', setting: 'victim', most: null },
    ];
    const tried = names.flatMap(({ name, setting, most }) =>
      [setting, 'nonsense', most ?? '-5', ['7min', 'b']].map((value: SettingValue) => ({ name, value })),
    );
    const refused = await refusedSettings(
      sql,
      tried.map((each) => ({ ...each, role: 'victim', database: undefined })),
    );
    const differing: string[] = [];
    for (const each of tried) {
      const assignment = settingAssignment(each);
      const refusal = await sql
        .unsafe(`begin; alter role victim set ${assignment}; rollback`)
        .then(() => undefined)
        .catch(async (error: unknown) => {
          await sql.unsafe('rollback');
          return String(error);
        });
      const isAgreed = (refusal !== undefined) === refused.has(assignment) || (!refused.has(assignment) && UNTRIED.includes(each.name));
      if (!isAgreed) differing.push(`${assignment}: ${refusal ?? 'taken'}, ${refused.get(assignment) ?? 'taken'}`);
    }
    expect(differing).toEqual([]);
    expect(refused.size).toBeGreaterThan(500);
    expect(await outcome(cluster, 'postgres', 'postgres', 'alter role victim reset all')).toBe('ok');
  });
});
