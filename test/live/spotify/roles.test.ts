import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessGraph } from '../../../src/roles/access/graph.ts';
import { inspectAccess } from '../../../src/roles/access/inspect.ts';
import { namesOf, parseQuestion, resolveQuestion } from '../../../src/roles/access/question.ts';
import { findTarget } from '../../../src/roles/access/target.ts';
import { whoCan, type Verdict } from '../../../src/roles/access/who-can.ts';
import { connect, outcome } from '../roles/project.ts';
import { ALLOWED, FORBIDDEN, type Probe } from './access-probes.ts';
import { openAccessWorld, type AccessWorld } from './access-world.ts';

/** Of each role, what it has in each schema; a star where that is not on every table or view. */
const MATRIX: readonly (readonly [role: string, schema: string, privileges: string])[] = [
  ['bi_reader', 'mart', 'select*'],
  ['warehouse_analyst', 'mart', 'select*'],
  ['warehouse_app', 'api', 'select'],
  ['warehouse_auditor', 'audit', 'select'],
  ['warehouse_auditor', 'core', 'select'],
  ['warehouse_auditor', 'dbadmin', 'select'],
  ['warehouse_auditor', 'mart', 'select'],
  ['warehouse_auditor', 'quality', 'select'],
  ['warehouse_auditor', 'raw', 'select*'],
  ['warehouse_auditor', 'reco', 'select'],
  ['warehouse_listener', 'core', 'select*'],
  ['warehouse_listener', 'mart', 'select*'],
  ['warehouse_loader', 'raw', 'insert select'],
  ['warehouse_transformer', 'core', 'delete* insert* select* update*'],
  ['warehouse_transformer', 'mart', 'delete insert select update'],
  ['warehouse_transformer', 'quality', 'delete insert select update'],
  ['warehouse_transformer', 'raw', 'select'],
  ['warehouse_transformer', 'reco', 'delete insert select update'],
];

describe('the roles of the warehouse', () => {
  let world: AccessWorld;
  let graph: AccessGraph;
  const questionOf = ({ privilege, object }: Probe): ReturnType<typeof parseQuestion> => parseQuestion(privilege, object);
  const verdictOf = (probe: Probe): Verdict => {
    const target = findTarget(graph, 'listening', resolveQuestion(graph, 'listening', questionOf(probe)));
    const role = graph.roles.get(probe.role);
    if (target === undefined || role === undefined) throw new Error(`nothing to ask: ${probe.role}, ${probe.object}`);
    return whoCan({ graph, database: 'listening', now: new Date() }, role, target, questionOf(probe).privilege).verdict;
  };

  beforeAll(async () => {
    world = await openAccessWorld();
    const names = [...FORBIDDEN, ...ALLOWED].map((each) => namesOf(questionOf(each)));
    graph = await inspectAccess(world.cluster.parameters('listening'), ['listening'], {
      relations: names.flatMap(({ relations }) => relations),
      routines: names.flatMap(({ routines }) => routines),
      parameters: [],
    });
  });
  afterAll(async () => await world?.close());

  it('D2: applied again, nothing changes, and the check finds nothing', async () => {
    expect(await world.project.lines(world.file)).toEqual([]);
    expect(await world.project.apply(world.file)).toBe(0);
  });

  it('D1: nobody logs in as superuser or may become one, and the owner does not log in', async () => {
    const rows = await world.admin`
      select rolname from pg_roles where (rolname like 'svc\_%' or rolname like 'warehouse\_%' or rolname = 'bi_reader')
        and (rolsuper or pg_has_role(rolname, 'postgres', 'member') or (rolcanlogin and rolname not like 'svc\_%'))`;
    expect([...rows]).toEqual([]);
  });

  it('D2: role by schema by privilege, the catalog holds what the matrix says and no more', async () => {
    const rows = await world.admin<{ role: string; schema: string; privileges: string }[]>`
      select role, schema, string_agg(lower(privilege) || case when held < tables then '*' else '' end, ' ' order by privilege) as privileges
      from (
        select r.rolname::text as role, n.nspname::text as schema, p.privilege,
          count(*) filter (where has_table_privilege(r.oid, c.oid, p.privilege)) as held, count(*) as tables
        from pg_roles as r
        cross join pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) as p (privilege)
        where (r.rolname like 'warehouse\_%' or r.rolname = 'bi_reader') and r.rolname not in ('warehouse_owner')
          and c.relkind in ('r', 'p', 'v', 'm') and n.nspname in ('dbadmin', 'raw', 'quality', 'core', 'mart', 'reco', 'audit', 'api', 'public')
        group by 1, 2, 3
      ) as each where held > 0 group by 1, 2 order by 1, 2`;
    expect(rows.map(({ role, schema, privileges }) => [role, schema, privileges])).toEqual(MATRIX);
  });

  it.for(FORBIDDEN)('D3: $role may not: $statement', async (probe) => {
    expect(await world.as(probe.role, probe.statement)).toBe('42501');
  });

  it.for(ALLOWED)('D3: $role may: $statement', async (probe) => {
    expect(await world.as(probe.role, probe.statement)).toBe('ok');
  });

  it('D3: who-can says the same as the server', () => {
    expect(FORBIDDEN.filter((probe) => verdictOf(probe) === 'yes')).toEqual([]);
    expect(ALLOWED.filter((probe) => verdictOf(probe) !== 'yes')).toEqual([]);
  });

  it('D3: nobody becomes somebody else', async () => {
    for (const [role, other] of [
      ['svc_feeder', 'warehouse_owner'],
      ['svc_app', 'warehouse_listener'],
      ['svc_bi', 'warehouse_analyst'],
      ['svc_dump', 'svc_forget'],
      ['listener_1', 'listener_2'],
      ['warehouse_dba', 'postgres'],
    ] as const)
      expect(await world.as(role, `set role ${other}`), `${role} as ${other}`).toBe('42501');
    expect(await outcome(world.cluster, 'listening', 'listener_1', 'set session authorization listener_2')).toBe('42501');
    expect(await world.as('warehouse_dba', 'set role warehouse_owner; create table core.by_dba (id int)')).toBe('ok');
  });

  it('D4: what is made later has the privileges of its schema at once', async () => {
    const made = 'create table mart.made_later (id int); create function mart.also_later() returns int language sql return 1';
    await world.admin.unsafe(`set role warehouse_owner; ${made}; reset role`);
    try {
      expect(await world.as('warehouse_analyst', 'select mart.also_later() from mart.made_later')).toBe('ok');
      expect(await world.as('bi_reader', 'select from mart.made_later')).toBe('42501');
      expect(await world.as('warehouse_listener', 'select from mart.made_later')).toBe('42501');
      expect(await world.as('warehouse_app', 'select mart.also_later()')).toBe('42501');
    } finally {
      await world.admin.unsafe('drop table mart.made_later; drop function mart.also_later()');
    }
  });

  it('D4: PUBLIC has nothing: whoever the file does not name cannot even connect', async () => {
    await world.admin.unsafe('create role stranger login');
    expect(await outcome(world.cluster, 'listening', 'stranger', 'select 1')).toBe('42501');
    const open = await world.admin`
      select p.oid::regprocedure::text as routine from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
      where n.nspname in ('raw', 'quality', 'core', 'mart', 'reco', 'audit', 'api', 'dbadmin') and has_function_privilege('stranger', p.oid, 'execute')
        and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')`;
    await world.admin.unsafe('drop role stranger');
    expect([...open]).toEqual([]);
  });

  it('D4: every routine that runs as its owner has a search path of its own, and its owner is no superuser', async () => {
    const open = await world.admin`
      select p.oid::regprocedure::text as routine from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
      where n.nspname in ('raw', 'quality', 'core', 'mart', 'reco', 'audit', 'api') and p.prosecdef
        and (p.proowner <> 'warehouse_owner'::regrole or p.proconfig is null or not p.proconfig && array['search_path=pg_catalog', 'search_path=""'])`;
    expect([...open]).toEqual([]);
  });

  it('D3: no token is stored where a query could read it', async () => {
    const columns = await world.admin`
      select c.oid::regclass::text || '.' || a.attname as name from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
      where c.relnamespace in ('raw'::regnamespace, 'quality'::regnamespace, 'core'::regnamespace, 'mart'::regnamespace, 'api'::regnamespace)
        and c.relkind in ('r', 'v', 'm') and a.attname ~* '(token|secret|password|e_?mail)'`;
    expect([...columns]).toEqual([]);
  });

  const roles = async (...args: readonly string[]): Promise<Awaited<ReturnType<AccessWorld['dbadmin']>>> =>
    await world.dbadmin(['roles', ...args, '--file', world.rolesFile]);

  it('D2: roles check and roles audit are clean', async () => {
    const check = await roles('check');
    expect(check.stdout).toMatch(/in sync, .* never rules hold/);
    expect(check.status).toBe(0);
    const audit = await roles('audit', '--json');
    const { findings, notes } = JSON.parse(audit.stdout) as {
      findings: readonly { rule: string; subject: string }[];
      notes: readonly string[];
    };
    // The tests' server lets the network that it is in come in without a password; that is no finding about the project.
    const ofTheProject = findings.filter(({ rule }) => rule !== 'trusted-host');
    expect(ofTheProject).toEqual([]);
    expect(notes).toEqual([]);
    expect(audit.status).toBe(findings.length === 0 ? 0 : 2);
  });

  it('D2: a grant by hand is drift: check ends with 2 and names it', async () => {
    await world.admin.unsafe('grant insert on core.play to warehouse_analyst');
    const { status, stdout } = await roles('check');
    expect(status).toBe(2);
    expect(stdout).toMatch(/warehouse_analyst.*core\.play|core\.play.*warehouse_analyst/s);
    await world.project.apply(world.file);
    expect(await world.as('warehouse_analyst', 'insert into core.play default values')).toBe('42501');
  });

  it('D5: what is granted on everything is found and named', async () => {
    await world.admin.unsafe('grant all on all tables in schema core to public; grant pg_write_all_data to svc_bi');
    const { stdout, status } = await roles('audit', '--json');
    const { findings } = JSON.parse(stdout) as { findings: readonly { rule: string; subject: string; evidence: readonly string[] }[] };
    expect(status).not.toBe(0);
    expect(findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['public-table', 'pg-write-all-data']));
    expect(JSON.stringify(findings)).toContain('svc_bi');
    await world.project.apply(world.file);
    expect(await world.project.lines(world.file)).toEqual([]);
  });

  it('D6: each grant is recorded with who and when, and a membership ends by its date', async () => {
    const ended = world.file.replace(/until: [\d-]+/, 'until: 2024-03-31');
    expect(await world.project.lines(ended)).toEqual([expect.stringContaining('visiting_auditor')]);
    await writeFile(world.rolesFile, ended);
    expect((await roles('check')).status).toBe(2);
    expect(await roles('apply', '--yes')).toMatchObject({ status: 0 });
    expect(await world.as('visiting_auditor', 'select from audit.change')).toBe('42501');
    await writeFile(world.rolesFile, world.file);
    expect(await roles('apply', '--yes')).toMatchObject({ status: 0 });
    const maintenance = connect(world.cluster.url());
    try {
      const rows = await maintenance<{ event: string; role: string; statements: string[] }[]>`
        select event, role, statements from dbadmin.roles_applied where at > now() - interval '1 hour' order by id`;
      expect(rows.map(({ event }) => event)).toEqual(['began', 'done', 'began', 'done']);
      expect(rows[0]).toMatchObject({ role: 'postgres' });
      expect(rows[0]?.statements.join()).toMatch(/REVOKE "?warehouse_auditor"? FROM "?visiting_auditor"?/);
      expect(rows[2]?.statements.join()).toMatch(/GRANT "?warehouse_auditor"? TO "?visiting_auditor"?/);
    } finally {
      await maintenance.end({ timeout: 1 });
    }
  });
});
