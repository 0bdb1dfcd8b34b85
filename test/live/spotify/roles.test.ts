import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, outcome, type Project } from '../roles/project.ts';
import { countOf, dbadmin, migrateWarehouse, PROJECT } from './warehouse.ts';

describe('the roles of the warehouse', () => {
  let cluster: TestCluster;
  let project: Project;
  let file: string;
  let directory: string;
  const as = async (role: string, statement: string): Promise<string> =>
    await outcome(cluster, 'listening', 'postgres', `set session authorization ${role}; ${statement}`);

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-spotify-'));
    await writeGenerated(path.join(directory, 'generated'), { listeners: 2, plays: 200, seed: 3 });
    file = await readFile(path.join(PROJECT, 'roles/roles.yaml'), 'utf8');
    cluster = await startTestCluster({ major: 17 });
    const admin = connect(cluster.url());
    await admin.unsafe('create database listening');
    await admin.end();
    await migrateWarehouse(cluster.url('listening'));
    project = await openProject(cluster);
    await project.apply(file);
  });

  afterAll(async () => {
    await project?.close();
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('applied again, nothing changes', async () => {
    expect(await project.lines(file)).toEqual([]);
    expect(await project.apply(file)).toBe(0);
  });

  it('svc_feeder loads a directory end to end, logged in as itself', async () => {
    const { status, stderr } = await dbadmin(['spotify', 'load', 'generated', '--url', cluster.url('listening', 'svc_feeder')], directory);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const sql = connect(cluster.url('listening'));
    try {
      expect(await countOf(sql, 'select count(*) from core.play')).toBe(200);
      expect(await countOf(sql, `select count(*) from raw.batch where received_by = 'svc_feeder'`)).toBe(3);
      expect(await countOf(sql, 'select count(*) from quality.accounting where rows_open <> 0')).toBe(0);
      expect(await countOf(sql, 'select count(*) from quality.run where error is not null')).toBe(0);
    } finally {
      await sql.end({ timeout: 1 });
    }
    const again = await dbadmin(['spotify', 'load', 'generated', '--url', cluster.url('listening', 'svc_feeder')], directory);
    expect(again.stdout.match(/already received/g)).toHaveLength(3);
  });

  it('a role that may not load is told so', async () => {
    const url = cluster.url('listening', 'svc_backup');
    const { status, stderr } = await dbadmin(['spotify', 'load', 'generated', '--url', url], directory);
    expect(status).toBe(1);
    expect(stderr).toContain('this role may not load');
    expect(stderr).toContain('roles/roles.yaml');
  });

  it.for([
    ['warehouse_analyst', 'select * from core.listen limit 1'],
    ['warehouse_analyst', 'select * from quality.accounting limit 1'],
    ['warehouse_auditor', 'select from raw.song, core.play, quality.run limit 1'],
    ['warehouse_dba', 'set role warehouse_owner; create table core.by_dba (id int); drop table core.by_dba'],
    ['warehouse_owner', 'create table core.made_later (id int); comment on table core.made_later is $$x$$'],
    ['warehouse_analyst', 'select from core.made_later'],
    ['warehouse_owner', 'drop table core.made_later'],
  ] as const)('%s may: %s', async ([role, statement]) => {
    expect(await as(role, statement)).toBe('ok');
  });

  it.for([
    ['warehouse_analyst', 'insert into core.play (listener_id) values (1)'],
    ['warehouse_analyst', 'select from raw.song'],
    ['warehouse_analyst', 'call core.load_songs(1)'],
    ['warehouse_loader', `update raw.song set track_name = 'x'`],
    ['warehouse_loader', 'delete from raw.batch'],
    ['warehouse_loader', 'select from core.play'],
    ['warehouse_transformer', 'insert into raw.streaming_history (batch_id) values (1)'],
    ['warehouse_auditor', 'delete from quality.quarantine'],
    ['warehouse_dba', 'select from core.play'],
    ['svc_feeder', 'create table core.mine (id int)'],
    ['svc_feeder', 'create table public.mine (id int)'],
    ['svc_feeder', 'create temporary table mine (id int)'],
    ['svc_feeder', 'alter table core.play disable trigger all'],
    ['svc_feeder', 'set role warehouse_owner'],
    ['svc_backup', 'select from core.play'],
    ['svc_backup', 'select from raw.song'],
  ] as const)('%s may not: %s', async ([role, statement]) => {
    expect(await as(role, statement)).toBe('42501');
  });

  it('nobody the file does not name may connect', async () => {
    const admin = connect(cluster.url());
    await admin.unsafe('create role stranger login');
    await admin.end();
    expect(await outcome(cluster, 'listening', 'stranger', 'select 1')).toBe('42501');
  });
});
