import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess } from '../../backup/in-process.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, outcome, type Project } from './project.ts';

/** What random files ask for is tried on every major, see drift.test.ts. */
const MAJORS = [14, 18] as const;

/** Expressions in ways in which people write them and the server does not. */
const POLICIES = `[
          { name: own_tenant, to: [app], using: "tenant = current_setting('app.tenant', true)::int", check: "tenant=current_setting( 'app.tenant' , true )::INT -- theirs" },
          { name: 'Odd "one"', for: select, to: [app, boss], using: "note is not null and (id > 0 or note ~ '^[)]')" },
          { name: few, for: delete, to: public, restrictive: true, using: "exists (select from core.play p where p.id = play.id)" },
          { name: new_rows, for: insert, check: "id between 1 and 1000" }]`;

const file = (policies = POLICIES, more = ''): string => `
version: 1
profiles: { writer: { tables: [select, insert, update, delete] } }
groups: { app: {}, boss: {} }
services: { svc: { member_of: app } }
scope: { roles: [app, boss, svc] }
databases:
  music:
    schemas: { core: { creators: [postgres] } }
    access: [{ profile: writer, on: core, to: app }]
    row_security:
      - table: core.play
        force: true
        policies: ${policies}
${more}`;

async function write(sql: Sql): Promise<string> {
  const [row] = await sql<{ next: string }[]>`select pg_snapshot_xmax(pg_current_snapshot())::text as next`;
  return row?.next ?? '';
}

describe.each(MAJORS)('row security on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let project: Project;
  let music: Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major, settings: { autovacuum: 'off' } });
    const maintenance = connect(cluster.url());
    await maintenance.unsafe('create database music');
    await maintenance.end();
    music = connect(cluster.url('music'));
    await music.unsafe(
      `create schema core; create table core.play (id int primary key, tenant int, note text collate "C"); create table core.part (id int) partition by range (id); insert into core.play values (1, 7, 'x'), (2, 8, 'y')`,
    );
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('is made as the file says, and the same text in the words of the server is no difference', async () => {
    await project.apply(file());
    expect(await project.lines(file())).toEqual([]);
    const [row] = await music`select relrowsecurity as on, relforcerowsecurity as forced from pg_class where oid = 'core.play'::regclass`;
    expect(row).toEqual({ on: true, forced: true });
    const svc = connect(cluster.url('music', 'svc'));
    await svc.unsafe("set app.tenant = '7'");
    expect(await svc`select id from core.play order by id`).toEqual([{ id: 1 }, { id: 2 }]);
    await expect(svc`insert into core.play values (5000, 8)`).rejects.toMatchObject({ code: '42501' });
    await svc.end();
  });

  it('needs no write to see that nothing differs', async () => {
    const before = await write(music);
    expect(await project.apply(file())).toBe(0);
    expect(await write(music)).toBe(before);
  });

  it('finds by name what was changed by hand, and mends it', async () => {
    await music.unsafe(`
      alter policy own_tenant on core.play using (true);
      alter policy "Odd ""one""" on core.play to app;
      drop policy few on core.play;
      create policy stray on core.play using (true);
      alter table core.play no force row level security, disable row level security`);
    const lines = (await project.lines(file())).join('\n');
    expect(lines).toMatch(/core\.play ~ row security enabled, binds the owner too/);
    expect(lines).toMatch(/core\.play ~ row policy own_tenant for all to app \(using\)/);
    expect(lines).toMatch(/core\.play ~ row policy Odd "one" for select to app, boss \(to\)/);
    expect(lines).toMatch(/core\.play \+ row policy few for delete to PUBLIC \(restrictive\)/);
    expect(lines).toMatch(/core\.play − row policy stray/);
    await project.apply(file());
    expect(await project.lines(file())).toEqual([]);
  });

  it('makes a policy anew where the server cannot alter what differs, and keeps what its comment said', async () => {
    await music.unsafe(`comment on policy new_rows on core.play is 'see ticket 12'`);
    const changed = file(`[{ name: new_rows, for: update, using: "id < 10", check: "id < 20" }]`);
    expect(await project.lines(changed)).toContain('core.play − row policy new_rows (to be made anew)');
    await project.apply(changed);
    expect(await project.lines(changed)).toEqual([]);
    const narrowed = file(`[{ name: new_rows, for: update, using: "id < 10" }]`);
    await project.apply(narrowed);
    expect(await project.lines(narrowed)).toEqual([]);
    await music.unsafe(`comment on policy new_rows on core.play is 'see ticket 12'`);
    expect(await project.lines(narrowed)).toEqual([]);
    await project.apply(file(`[{ name: new_rows, for: update, using: "id < 11" }]`));
    const [row] = await music`select obj_description(oid, 'pg_policy') as text from pg_policy where polname = 'new_rows'`;
    expect(row?.['text']).toMatch(/^see ticket 12\n\[dbadmin row_security [0-9a-f]{16} [0-9a-f]{16}\]$/);
  });

  it('sees policies that somebody made by hand for what they are, whatever their wording', async () => {
    await music.unsafe(
      'drop policy new_rows on core.play; create policy by_hand on core.play for select using (tenant + 1 > 0 and note like $$a%$$)',
    );
    const text = `[{ name: by_hand, for: select, using: "(tenant+1)>0 AND (note LIKE 'a%')" }]`;
    expect(await project.lines(file(text))).toEqual([]);
    const other = file(text.replace('a%', 'b%'));
    expect(await project.lines(other)).toEqual(['core.play ~ row policy by_hand for select to PUBLIC (using)']);
  });

  it('compares what a database or a role has written in another way', async () => {
    const since = `[{ name: by_hand, for: select, using: "now() > timestamptz '2026-01-01 12:00' - interval '1 day 02:00' and note ~ 'x'" }]`;
    await music.unsafe(
      "alter policy by_hand on core.play using (((now()) > ('2026-01-01 12:00+00'::timestamptz - interval '1 day 2 hours')) and (note ~ 'x'))",
    );
    await music.unsafe('create role elsewhere login; grant temporary on database music to elsewhere');
    for (const setting of ["timezone = 'Europe/Berlin'", "datestyle = 'German'", 'quote_all_identifiers = on', 'intervalstyle = iso_8601'])
      await music.unsafe(`alter role elsewhere set ${setting}; alter role postgres in database music set ${setting}`);
    const others = await openProject(cluster, {}, cluster.parameters('postgres', 'elsewhere'));
    try {
      expect(await project.lines(file(since))).toEqual([]);
      // By the mark that was left with one login's settings the other knows it again, and need not try it out.
      await music.unsafe('alter policy by_hand on core.play using (true)');
      await music.unsafe('alter role postgres in database music reset all');
      await project.apply(file(since));
      await music.unsafe('revoke temporary on database music from elsewhere, public');
      expect((await others.lines(file(since))).filter((line) => line.includes('policy'))).toEqual([]);
    } finally {
      await others.close();
      await music.unsafe('alter role postgres in database music reset all; grant temporary on database music to public');
    }
  });

  it('an interval means what the login says that it does, and is compared all the same', async () => {
    const rules = file(
      `[{ name: by_hand, for: select, using: "now() < now() - interval '-1 2:03:04'" }, { name: next, for: select, using: "now() < now() - interval '-1 2:03:04'" }]`,
    );
    await music.unsafe('alter role postgres in database music set intervalstyle = sql_standard');
    try {
      await project.apply(rules);
      const written = await music`
        select distinct pg_get_expr(polqual, polrelid) ~ '-1 days -02:03:04' as same from pg_policy where polrelid = 'core.play'::regclass`;
      expect([...written]).toEqual([{ same: true }]);
      expect(await project.lines(rules)).toEqual([]);
      await music.unsafe("comment on policy by_hand on core.play is ''");
      expect(await project.lines(rules)).toEqual([]);
    } finally {
      await music.unsafe('alter role postgres in database music reset all');
    }
    // Read in another way it is another interval.
    expect(await project.lines(rules)).toEqual(['core.play ~ row policy by_hand for select to PUBLIC (using)']);
  });

  it('the SQL of a plan leaves the marks that apply leaves, whatever the session in which it is run is set to', async () => {
    const rule = `[{ name: by_hand, for: select, using: "now() > timestamptz '2026-01-01 12:00' - interval '1 day 02:00' and note::bytea <> '\\\\x41'" }]`;
    const roles = path.join(project.directory, 'roles.yaml');
    await writeFile(roles, file(rule));
    const { stdout } = await runInProcess(['roles', 'plan', '--sql', '--file', roles, '--url', cluster.url()], {});
    expect(stdout).toContain('POLICY "by_hand"');
    const forms = { datestyle: 'German', intervalstyle: 'iso_8601', quote_all_identifiers: 'on', bytea_output: 'escape' };
    const session = postgres(cluster.url('music'), {
      max: 1,
      onnotice: () => undefined,
      connection: { ...forms, timezone: 'Europe/Berlin' },
    });
    await session.unsafe(stdout.replaceAll(/^\\connect .*$/gm, ''));
    await session.end();
    await music.unsafe('create role by_marks login; revoke temporary on database music from public');
    const others = await openProject(cluster, {}, cluster.parameters('postgres', 'by_marks'));
    expect((await others.lines(file(rule))).filter((line) => line.includes('policy'))).toEqual([]);
    await others.close();
    await music.unsafe('grant temporary on database music to public');
  });

  it('takes expressions over whole rows, which it cannot try out beforehand', async () => {
    await music.unsafe('create function core.seen(core.play) returns boolean language sql stable as $$select true$$');
    const text = file('[{ name: whole, for: select, using: "core.seen(play)" }]');
    await project.apply(text);
    expect(await project.lines(text)).toEqual([]);
  });

  it('refuses an expression that the server would not take, located, and makes nothing', async () => {
    const wrong = file(
      `[{ name: a, using: "nonsense = 1" }, { name: b, using: "id + 1" }, { name: d, using: "core.no_such(id)" }, { name: c, to: [nobody_here], using: "true" }]`,
    );
    await expect(project.apply(wrong)).rejects.toMatchObject({
      code: 'roles-invalid',
      detail: expect.stringMatching(
        /roles\.yaml:14:20: row policy a of core\.play: column "nonsense" does not exist.*\n.*row policy b.*must be type boolean.*\n.*row policy d.*core\.no_such\(integer\) does not exist.*\n.*role "nobody_here" does not exist/,
      ) as unknown,
    });
    await expect(project.plan(file().replace('core.play\n', 'core.nope\n'))).rejects.toMatchObject({
      detail: expect.stringContaining('table core.nope does not exist in database music') as unknown,
    });
  });

  it('mode add makes what lets more through and nothing else', async () => {
    await music.unsafe('alter table core.play disable row level security');
    const added = file().replace('version: 1', 'version: 1\nmode: add');
    expect((await project.lines(added)).filter((line) => line.includes('core.play'))).toEqual([
      'core.play + row policy Odd "one" for select to app, boss (permissive)',
      'core.play + row policy new_rows for insert to PUBLIC (permissive)',
      'core.play + row policy own_tenant for all to app (permissive)',
    ]);
  });

  it('a login that may only read compares as well, by the marks that apply left', async () => {
    await project.apply(file());
    await music.unsafe('create role reader login');
    await music.unsafe('revoke temporary on database music from public');
    const reading = await openProject(cluster, {}, cluster.parameters('postgres', 'reader'));
    expect((await reading.lines(file())).filter((line) => line.includes('policy'))).toEqual([]);
    await music.unsafe("comment on policy own_tenant on core.play is ''");
    expect((await reading.lines(file())).filter((line) => line.includes('policy'))).toEqual([
      expect.stringMatching(/own_tenant .* \(could not be compared: permission denied to create temporary tables/) as unknown as string,
    ]);
    await reading.close();
    await music.unsafe('grant temporary on database music to public');
    expect(await outcome(cluster, 'music', 'reader', 'select 1')).toBe('ok');
  });
});
