import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, type Project } from './project.ts';

const FILE = `
version: 1
scope: { roles: ["app_*"] }
profiles: { reader: { tables: [select] } }
groups: { app_owner: {}, app_reader: {} }
databases:
  music:
    schemas: { core: { owner: app_owner } }
    access: [{ profile: reader, on: core, to: app_reader }]
`;

/** On a busy machine a session may take long to come to its lock. */
const PATIENT = { timeout: 30_000 } as const;
const LOCK_TIMEOUT_MS = 60_000;

describe('applies and others at the same time', () => {
  let cluster: TestCluster;
  let music: Sql;
  let project: Project;
  const waiting = async (): Promise<readonly unknown[]> =>
    await music`select from pg_stat_activity where application_name = 'dbadmin roles' and wait_event_type = 'Lock'`;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 17 });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    music = connect(cluster.url('music'));
    await music.unsafe('create schema core; create table core.a (id int); create role somebody');
    project = await openProject(cluster);
    await project.apply(FILE);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('tries again when another session changed the same row under it', async () => {
    const other = connect(cluster.url('music'));
    await music.unsafe('revoke select on core.a from app_reader');
    // The row of pg_class is locked by nobody up to 17: whoever comes second fails with "tuple concurrently updated".
    await other.unsafe('begin; grant insert on core.a to somebody');
    const told: string[] = [];
    const applied = project.apply(FILE, { lockTimeoutMs: LOCK_TIMEOUT_MS, log: { ...silentLog, info: (text) => void told.push(text) } });
    await expect.poll(waiting, PATIENT).toHaveLength(1);
    await other.unsafe('commit');
    await other.end();
    expect(await applied).toBe(1);
    expect(told).toEqual([expect.stringMatching(/^another session was in the way .*trying again, 3 left$/)]);
    expect(await project.lines(FILE)).toEqual([]);
  });

  it('many at once: all end in the wanted state, one after the other', async () => {
    await music.unsafe('revoke select on core.a from app_reader');
    const results = await Promise.allSettled(Array.from({ length: 4 }, async () => await project.apply(FILE)));
    expect(results.filter((result) => result.status === 'fulfilled' && result.value === 1)).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'plan-stale' });
    expect(await project.lines(FILE)).toEqual([]);
  });

  it('names the holder of the lock when it has waited long enough', async () => {
    const holder = connect(cluster.url());
    await holder.unsafe(`set application_name = 'dbadmin roles'; select pg_advisory_lock(x'64626164'::int, x'726f6c65'::int)`);
    await music.unsafe('revoke select on core.a from app_reader');
    await expect(project.apply(FILE, { waitMs: 300 })).rejects.toMatchObject({
      code: 'locked',
      exitStatus: 11,
      detail: expect.stringMatching(/^Waited .*The lock is held by process \d+ of the server, dbadmin roles as postgres/) as unknown,
    });
    await holder.end();
    await project.apply(FILE);
  });

  it('stops when the session that holds its lock is ended', async () => {
    await music.unsafe('revoke select on core.a from app_reader');
    const blocker = connect(cluster.url('music'));
    await blocker.unsafe('begin; grant insert on core.a to somebody');
    const text = `${FILE}  postgres:\n    schemas: { core: { owner: app_owner } }\n`;
    const applied = project.apply(text, { lockTimeoutMs: LOCK_TIMEOUT_MS });
    await expect.poll(waiting, PATIENT).toHaveLength(1);
    await music`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'`;
    await blocker.unsafe('commit');
    await blocker.end();
    await expect(applied).rejects.toMatchObject({ code: expect.stringMatching(/^(?:locked|partly-done)$/) as unknown });
    await project.apply(text);
    expect(await project.lines(text)).toEqual([]);
  });

  it('says which difference is left when something works against it', async () => {
    await music.unsafe(`
      create function public.meddle() returns event_trigger language plpgsql as
        $$ begin if current_setting('app.meddles', true) is null then
             perform set_config('app.meddles', 'on', true); revoke select on core.a from app_reader; end if; end $$;
      create event trigger meddle on ddl_command_end when tag in ('GRANT') execute function public.meddle()`);
    await music.unsafe(`set app.meddles = 'on'; revoke select on core.a from app_reader; reset app.meddles`);
    await expect(project.apply(FILE)).rejects.toMatchObject({
      code: 'not-converged',
      exitStatus: 1,
      detail: 'app_reader + SELECT on core.a',
    });
    await music.unsafe('drop event trigger meddle');
    await project.apply(FILE);
  });
});
