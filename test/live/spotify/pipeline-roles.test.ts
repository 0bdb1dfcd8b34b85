import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { signInPlaces, writeSignIn } from '../../../src/spotify/auth/sign-in-apply.ts';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import { runInProcess } from '../../backup/in-process.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { openAccessWorld, type AccessWorld } from './access-world.ts';
import { askingWith, isDescribed, signInTo, startFake, WHY_SKIPPED } from './fake-spotify.ts';
import { countOf, PROJECT } from './warehouse.ts';

const POLICIES = `version: 1
policies:
  nightly: { cluster: main, repositories: [local], base: { full: { cron: "0 2 * * *" } }, retention: { window: 14d, minimum: 1 } }
jobs:
  marts: { call: mart.refresh_or_raise(), cron: "@hourly" }
`;

describe('the pipeline, each part under its own role', () => {
  let world: AccessWorld;
  let directory: string;
  let config: string;
  let env: Record<string, string>;
  /** `dbadmin …` as a service: it logs in as itself and as nobody else. */
  const as = async (user: string, ...args: readonly string[]): Promise<CommandEnd> =>
    await runInProcess([...args, '--config', config, '--url', world.cluster.url('listening', user), '--yes'], env);
  const count = async (query: string): Promise<number> => await countOf(world.admin, query);

  beforeAll(async () => {
    world = await openAccessWorld();
    ({ directory } = world);
    env = { HOME: directory, XDG_STATE_HOME: path.join(directory, 'state') };
    config = path.join(directory, 'dbadmin.yaml');
    await mkdir(path.join(directory, 'backups'));
    for (const part of ['migrations', 'routines'])
      await cp(path.join(PROJECT, 'sql', part), path.join(directory, 'sql', part), { recursive: true });
    await writeFile(path.join(directory, 'backups', 'policies.yaml'), POLICIES);
    await writeFile(
      config,
      `version: 1\nclusters: { main: { repositories: [local] } }\nrepositories: { local: { type: disk, path: ./repository } }\n`,
      { mode: 0o600 },
    );
    await writeGenerated(path.join(directory, 'more'), { listeners: 3, plays: 300, seed: 8 });
    await writeGenerated(path.join(directory, 'unseen'), { listeners: 1, plays: 20, seed: 9 });
  });
  afterAll(async () => await world?.close());

  it('D1: svc_migrate brings the schema up to date, and what it makes is the owner’s', async () => {
    expect(await as('svc_migrate', 'migrate', 'plan')).toMatchObject({ status: 0 });
    const migration = `create table mart.later (id integer primary key);\ncomment on table mart.later is 'Later.';\ncomment on column mart.later.id is 'Key.';\n`;
    await writeFile(path.join(directory, 'sql/migrations/20991231T000000_later.sql'), migration);
    const end = await as('svc_migrate', 'migrate', 'up', '--no-schema-file');
    expect([end.status, end.status === 0 ? '' : end.stderr]).toEqual([0, '']);
    expect(await count(`select count(*) from pg_class where oid = 'mart.later'::regclass and relowner = 'warehouse_owner'::regrole`)).toBe(
      1,
    );
    expect(await world.as('warehouse_analyst', 'select from mart.later')).toBe('ok');
    for (const role of ['svc_feeder', 'svc_marts', 'svc_backup'])
      expect((await as(role, 'migrate', 'up', '--no-schema-file')).status, role).not.toBe(0);
    await world.admin.unsafe('drop table mart.later');
  });

  it('D1: svc_feeder loads; who may not load is told which roles may', async () => {
    const { status, stderr } = await as('svc_feeder', 'spotify', 'load', path.join(directory, 'more'));
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(await count(`select count(*) from raw.batch where received_by = 'svc_feeder'`)).toBe(4);
    expect(await count(`select count(*) from quality.run where started_by = 'svc_feeder' and error is null`)).toBeGreaterThan(4);
    expect(await count('select count(*) from quality.accounting where rows_open > 0')).toBe(0);
    expect(await count('select count(*) from quality.run where error is not null')).toBe(0);
    for (const role of ['svc_marts', 'svc_backup', 'svc_bi']) {
      const refused = await as(role, 'spotify', 'load', path.join(directory, 'unseen'));
      expect([refused.status, refused.stderr], role).toEqual([1, expect.stringContaining('roles/roles.yaml')]);
    }
  });

  it('D1: svc_feeder fetches, with pages landed in the repository', async (context) => {
    if (!isDescribed) return context.skip(WHY_SKIPPED);
    expect(await as('svc_backup', 'backup', 'init')).toMatchObject({ status: 0 });
    const fake = await startFake({ clock: systemClock, listener: 'fetched' });
    try {
      await writeSignIn(signInPlaces(env, directory), await signInTo(fake, askingWith(systemClock), { listener: 'fetched' }));
      const end = await as('svc_feeder', 'spotify', 'fetch', 'recent', 'top', 'artists', 'devices', 'playlists', 'library');
      expect(end.stderr).not.toMatch(/42501|permission denied/);
      expect(end.status).toBe(0);
    } finally {
      await fake.close();
    }
    expect(await count(`select count(*) from raw.page_set where listener_name = 'fetched'`)).toBeGreaterThan(8);
    expect(await count('select count(*) from quality.run where error is not null')).toBe(0);
  });

  it('D1: svc_marts refreshes the marts by the job of the policies', async () => {
    const end = await as('svc_marts', 'schedule', 'run', 'marts');
    expect(end.stderr).not.toContain('error');
    expect(end.status).toBe(0);
    expect(await count('select count(*) from mart.fact_play')).toBe(await count('select count(*) from core.play'));
    expect(
      await count(`select count(*) from quality.run where step = 'mart.refresh' and started_by = 'svc_marts' and error is null`),
    ).toBeGreaterThan(0);
    await world.admin.unsafe(`alter table mart.daily_summary add constraint not_today check (plays < 0) not valid;
      update core.play set ms_played = ms_played + 1 where play_id = (select min(play_id) from core.play)`);
    const failed = await as('svc_marts', 'schedule', 'run', 'marts');
    expect([failed.status, failed.stderr]).toEqual([1, expect.stringMatching(/mart\.refresh failed: .*not_today/)]);
    expect(await count(`select count(*) from quality.run where started_by = 'svc_marts' and error like '%not_today%'`)).toBe(1);
    await world.admin.unsafe(`alter table mart.daily_summary drop constraint not_today;
      delete from quality.run where error like '%not_today%'`);
    expect(await as('svc_marts', 'schedule', 'run', 'marts')).toMatchObject({ status: 0 });
  });

  it('D1: svc_backup checks and backs up', async () => {
    await as('svc_backup', 'backup', 'init');
    const check = await as('svc_backup', 'backup', 'check', '--json');
    const { findings } = JSON.parse(check.stdout) as { findings: readonly { state: string; detail: string }[] };
    expect(findings.filter(({ detail }) => /privilege|permission|denied|may not/.test(detail))).toEqual([]);
    const end = await as('svc_backup', 'backup', 'run');
    expect(end.stderr).not.toContain('error');
    expect(end.status).toBe(0);
    expect((await as('svc_feeder', 'backup', 'run')).status).not.toBe(0);
  });

  it('D1: svc_forget forgets, and says until when the backups remember', async () => {
    const end = await as('svc_forget', 'spotify', 'forget', 'listener-003', '--erase');
    expect(end.stderr).toBe('');
    expect(end.status).toBe(0);
    expect(end.stdout).toContain('0 rows remain');
    expect(end.stdout).toMatch(/^local: The last backup that holds the rows expires by \d{4}-\d{2}-\d{2}/m);
    if (isDescribed) {
      const landed = async (): Promise<readonly string[]> =>
        (await readdir(path.join(directory, 'repository'), { recursive: true })).filter((name) => /^spotify\/.*processed\//.test(name));
      expect((await landed()).length).toBeGreaterThan(5);
      expect(await as('svc_forget', 'spotify', 'forget', 'fetched', '--erase')).toMatchObject({ status: 0 });
      expect(await landed()).toEqual([]);
      expect(await count(`select count(*) from raw.page_set where listener_name = 'fetched'`)).toBe(0);
    }
    for (const role of ['svc_feeder', 'svc_app', 'svc_dump', 'visiting_auditor']) {
      const refused = await as(role, 'spotify', 'forget', 'listener-002', '--erase');
      expect([refused.status, refused.stderr], role).toEqual([1, expect.stringContaining('may not erase a listener')]);
    }
  });
});
