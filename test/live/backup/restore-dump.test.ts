import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyGlobals } from '../../../src/backup/dump/globals-apply.ts';
import { inspectDumpSource } from '../../../src/backup/dump/inspect.ts';
import type { DumpManifest } from '../../../src/backup/dump/manifest.ts';
import { restoreDump, type RestoreDumpRequest } from '../../../src/backup/dump/restore-run.ts';
import { takeDump } from '../../../src/backup/dump/run.ts';
import { readDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { dumpRequest, findDumpPrograms, type DumpPrograms } from '../../backup/dump-request.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

// The server is of the major whose dumps this machine's oldest pg_dump can take.
const programs = await findDumpPrograms();
if (programs === undefined) {
  it('restores dumps', (context) => context.skip('no pg_dump, pg_dumpall and pg_restore on this machine'));
} else {
  describeRestores(programs);
}

interface Way {
  readonly port: number;
  close(): void;
}

/** A way to the server on which `meet` is called, once, when a connection says `words`: with that connection, and what lets it go on. */
async function wayTo(cluster: TestCluster, words: string, meet: (client: net.Socket, goOn: () => void, way: Way) => void): Promise<Way> {
  let isMet = false;
  const listener = net.createServer((client) => {
    const server = net.connect(cluster.port, '127.0.0.1');
    client.on('data', (data) => {
      if (isMet || !data.toString('latin1').includes(words)) {
        server.write(data);
        return;
      }
      isMet = true;
      meet(client, () => void server.write(data), way);
    });
    server.pipe(client);
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('close', () => server.destroy());
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const way: Way = { port: (listener.address() as net.AddressInfo).port, close: () => void listener.close() };
  return way;
}

/** On which the first connection that says `words` is lost, and none but that; `isForGood`: nor is there a way from then on. */
async function cutAt(words: string, cluster: TestCluster, isForGood = false): Promise<Way> {
  return await wayTo(cluster, words, (client, _, way) => {
    if (isForGood) way.close();
    client.destroy();
  });
}

/** On which `call` is done first when a connection says `words`, once. */
async function callAt(words: string, cluster: TestCluster, call: () => Promise<void>): Promise<Way> {
  return await wayTo(cluster, words, (_, goOn) => void call().finally(goOn));
}

function describeRestores(programs: DumpPrograms): void {
  const { pgDump, pgRestore } = programs;
  const NAME = 'closed "one';
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let spoolDirectory: string;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: Math.min(pgDump.major, 18) });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    spoolDirectory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-dump-test-'));
  });

  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await cluster.stop();
    await rm(spoolDirectory, { recursive: true, force: true });
  });

  async function takeDumpOf(repository: Repository, databases: readonly string[]): Promise<DumpManifest> {
    const parameters = cluster.parameters();
    const wanted = { repository, source: await inspectDumpSource(parameters), parameters, databases, spoolDirectory };
    const selection = { databases, excluded: [], schemaOnly: false, tables: [] };
    const { label } = await takeDump(dumpRequest(programs, { ...wanted, selection }));
    return await readDumpManifest(repository, '1/', label);
  }

  function restoring(repository: Repository, manifest: DumpManifest, name: string): RestoreDumpRequest {
    return {
      repository,
      manifest,
      databases: new Map([[NAME, name]]),
      globals: false,
      parameters: cluster.parameters(),
      program: pgRestore,
      jobs: 1,
      env: process.env,
      spoolDirectory,
      signal: new AbortController().signal,
    };
  }

  describe('restoreDump', () => {
    it('leaves a role that is there as it is: no login, superuser or membership returns, and nothing given since is lost', async () => {
      await sql.unsafe(`
        create role group_a; create role group_b; create role boss login superuser in role group_a; create role replica nologin;
        create role joiner login in role group_a; alter role boss set work_mem = '8MB';
        create role "o'brien" in role group_a; comment on role group_a is 'rack 19"'`);
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, ['postgres']);
      await sql.unsafe(`
        alter role boss nologin nosuperuser; alter role boss reset work_mem; revoke group_a from boss; grant group_b to boss;
        alter role replica login replication; drop role joiner; drop role "o'brien"`);
      const state = async (): Promise<unknown> =>
        await sql`select rolname, rolsuper, rolcanlogin, rolreplication, rolconfig,
          array(select pg_get_userbyid(roleid)::text from pg_auth_members where member = r.oid order by 1) as "memberOf"
          from pg_roles r where rolname in ('boss', 'replica', 'group_a', 'group_b') order by rolname`;
      const before = await state();
      const { globals } = await restoreDump({ ...restoring(repository, manifest, ''), databases: new Map(), globals: true });
      expect(await state()).toEqual(before);
      expect(globals?.kept.roles).toEqual(expect.arrayContaining(['boss', 'replica', 'group_a', 'group_b']));
      expect(globals?.leftOut).toEqual([expect.stringMatching(/^GRANT group_a TO boss\b/)]);
      expect(
        await sql`select pg_has_role('joiner', 'group_a', 'member') as member, rolcanlogin from pg_roles where rolname = 'joiner'`,
      ).toEqual([{ member: true, rolcanlogin: true }]);
      expect(await sql`select pg_has_role('o''brien', 'group_a', 'member') as member`).toEqual([{ member: true }]);
    });
  });

  it('brings what ALTER ROLE ALL set, as statements that it does not run: they are of roles that are there, too', async () => {
    await sql.unsafe(`create role "ALL"; alter role all set search_path to '$user', 'bücher, "alt"'; alter role all set my.own to 'it''s \\ mine';
      alter role all set my.länge to 'ü\\'`);
    const settings = async (): Promise<unknown> =>
      await sql`select setconfig from pg_db_role_setting where setdatabase = 0 and setrole = 0`;
    const before = await settings();
    const repository = await makeMemoryRepository();
    const manifest = await takeDumpOf(repository, ['postgres']);
    await sql.unsafe('alter role all reset all; drop role "ALL"');
    const { globals } = await restoreDump({ ...restoring(repository, manifest, ''), databases: new Map(), globals: true });
    expect(await settings()).toEqual([]);
    expect(globals?.leftOut).toHaveLength(3);
    expect(await sql`select rolname from pg_roles where rolname = 'ALL'`).toHaveLength(1);
    for (const statement of globals?.leftOut ?? []) await sql.unsafe(statement);
    expect(await settings()).toEqual(before);
    await sql.unsafe('alter role all reset all');
  });

  it('says of globals that end half-way which half is there', async () => {
    const text =
      "CREATE ROLE half_made;\nALTER ROLE half_made WITH LOGIN;\nCREATE TABLESPACE gone OWNER postgres LOCATION '/nowhere/gone';\n";
    await expect(applyGlobals(sql, text, new AbortController().signal)).rejects.toMatchObject({
      code: 'query-failed',
      message: 'the tablespaces of the dump cannot be made',
      detail: expect.stringMatching(/The roles of the dump are there now/),
      hint: expect.stringMatching(/run this again/),
    });
    expect(await sql`select rolcanlogin from pg_roles where rolname = 'half_made'`).toEqual([{ rolcanlogin: true }]);
  });

  describe('a dump of a database that has more than content', () => {
    /** As the catalog has it, with the roles by their names. */
    const propertiesOf = async (name: string): Promise<unknown> =>
      await sql`
        select to_jsonb(d) - '{oid,datname,datdba,datfrozenxid,datminmxid}'::text[] as columns, pg_get_userbyid(datdba) as owner,
          shobj_description(d.oid, 'pg_database') as comment, (select jsonb_object_agg(coalesce(rolname, ''), setconfig)
            from pg_db_role_setting left join pg_roles r on r.oid = setrole where setdatabase = d.oid) as settings
        from pg_database d where datname = ${name}`;

    beforeAll(async () => {
      await sql.unsafe('create role keeper; create role visitor login; create role "odd ""visitor"');
      await sql.unsafe(
        `create database "closed ""one" template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' connection limit 7`,
      );
      for (const statement of [
        `alter database "closed ""one" owner to keeper`,
        `revoke all on database "closed ""one" from public`,
        `grant connect on database "closed ""one" to "odd ""visitor" with grant option`,
        `comment on database "closed ""one" is 'it''s \\ closed'`,
        `alter database "closed ""one" set search_path to '$user', 'Odd, "schema', public`,
        `alter database "closed ""one" set datestyle to 'SQL, DMY'`,
        `alter database "closed ""one" set my.own to 'a=b, c'`,
        `alter role visitor in database "closed ""one" set work_mem to '8MB'`,
      ])
        await sql.unsafe(statement);
      const content = postgres(cluster.url(), { database: NAME, max: 1, onnotice: () => undefined });
      await content.unsafe('create table many as select generate_series(1, 100) as n');
      await content.end();
    });

    it('brings back owner, privileges, settings, encoding and locale', async () => {
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, [NAME]);
      const [restored] = (await restoreDump(restoring(repository, manifest, 'closed_again'))).databases;
      expect(restored?.notApplied).toEqual([]);
      const before = await propertiesOf(NAME);
      expect(before).toMatchObject([{ columns: { datconnlimit: 7 }, owner: 'keeper', settings: { visitor: ['work_mem=8MB'] } }]);
      expect(await propertiesOf('closed_again')).toEqual(before);
      expect(await sql`select has_database_privilege('visitor', 'closed_again', 'connect') as may`).toEqual([{ may: false }]);
    });

    it('names what the server has not got, and leaves nothing open that was not', async () => {
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, [NAME]);
      const [dumped] = manifest.databases;
      const properties = dumped?.properties;
      if (dumped === undefined || properties === undefined) throw new Error('the dump has no properties');
      const locale = { ...properties.locale, collate: 'xx_XX.utf8' };
      const elsewhere = { ...manifest, databases: [{ ...dumped, properties: { ...properties, locale, owner: 'nobody here' } }] };
      const [restored] = (await restoreDump(restoring(repository, elsewhere, 'elsewhere'))).databases;
      expect(restored?.hasProperties).toBe(true);
      const statements = restored?.notApplied.map(({ statement }) => statement) ?? [];
      expect(statements[0]).toMatch(/^CREATE DATABASE "elsewhere" TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'xx_XX.utf8'/);
      expect(statements.slice(-2)).toEqual([
        'ALTER DATABASE "elsewhere" OWNER TO "nobody here"',
        'REVOKE ALL ON DATABASE "elsewhere" FROM "nobody here"',
      ]);
      expect(restored?.notApplied[0]?.reason).toMatch(/locale/);
      expect(await sql`select has_database_privilege('visitor', 'elsewhere', 'connect') as may`).toEqual([{ may: false }]);
    });

    it('comes whole when the connection is lost after its content came, with all that it had', async () => {
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, [NAME]);
      const way = await cutAt('ALTER DATABASE "whole" OWNER', cluster);
      try {
        const parameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: way.port }] };
        const [restored] = (await restoreDump({ ...restoring(repository, manifest, 'whole'), parameters })).databases;
        expect(restored?.notApplied).toEqual([]);
      } finally {
        way.close();
      }
      expect(await propertiesOf('whole')).toEqual(await propertiesOf(NAME));
    });

    it('has its name only when all is done, whoever is in it meanwhile, and says what a killed restore left', async () => {
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, [NAME]);
      const left = 'left (dbadmin restore 0123abcd)';
      await sql.unsafe(`create database "${left}"`);
      const unfinished: (readonly string[])[] = [];
      const during: string[][] = [];
      const visitors: postgres.Sql[] = [];
      const visit = async (): Promise<void> => {
        const names = (await sql<{ name: string }[]>`select datname as name from pg_database where datname ~ '^late'`).map(
          ({ name }) => name,
        );
        during.push(names);
        const [working] = names;
        if (working === undefined) return;
        // As monitoring does that looks into every database.
        const visitor = postgres(cluster.url(), { database: working, max: 1, onnotice: () => undefined });
        visitors.push(visitor);
        await visitor`select 1`.catch(() => undefined);
      };
      const way = await callAt('COPY public.many', cluster, visit);
      try {
        const parameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: way.port }] };
        const request = { ...restoring(repository, manifest, 'late "one'), parameters };
        const { databases } = await restoreDump({ ...request, onUnfinished: (names) => unfinished.push(names) });
        expect(databases[0]?.notApplied).toEqual([]);
      } finally {
        way.close();
        for (const visitor of visitors) await visitor.end({ timeout: 1 });
      }
      expect(during).toEqual([[expect.stringMatching(/^late "one \(dbadmin restore [0-9a-f]{8}\)$/)]]);
      expect(await propertiesOf('late "one')).toEqual(await propertiesOf(NAME));
      expect(unfinished).toEqual([[left]]);
      await sql.unsafe(`drop database "${left}"`);
    }, 60_000);

    it('names the half that is left where the server is lost in the middle, and how it goes', async () => {
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, [NAME]);
      const way = await cutAt('COPY public.many', cluster, true);
      try {
        const parameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: way.port }] };
        await expect(restoreDump({ ...restoring(repository, manifest, 'half "one'), parameters })).rejects.toMatchObject({
          code: 'program-failed',
          detail: expect.stringMatching(
            /Half of database "half ""one \(dbadmin restore [0-9a-f]{8}\)" is there, and could not be taken away: /,
          ),
          hint: expect.stringMatching(/DROP DATABASE IF EXISTS "half ""one \(dbadmin restore [0-9a-f]{8}\)" WITH \(FORCE\)/),
        });
      } finally {
        way.close();
      }
      const halves = await sql<{ name: string }[]>`select datname as name from pg_database where datname ~ '^half '`;
      expect(halves).toEqual([{ name: expect.stringMatching(/^half "one \(dbadmin restore /) }]);
      await sql.unsafe(`drop database "${halves[0]?.name.replaceAll('"', '""')}"`);
    });

    it('needs a role that may create databases, and says so before anything is fetched or made', async () => {
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, [NAME]);
      await sql.unsafe('create role "no maker" login');
      const parameters = { ...cluster.parameters(), user: 'no maker' };
      await expect(restoreDump({ ...restoring(repository, manifest, 'never'), parameters, globals: true })).rejects.toMatchObject({
        code: 'privilege-missing',
        message: 'role "no maker" may not create databases',
        hint: expect.stringMatching(/ALTER ROLE "no maker" CREATEDB;/),
      });
    });

    it('says it as the server does where that makes no database', async () => {
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, [NAME]);
      await sql.unsafe('create role "only reader" login createdb; alter role "only reader" set default_transaction_read_only = on');
      const parameters = { ...cluster.parameters(), user: 'only reader' };
      await expect(restoreDump({ ...restoring(repository, manifest, 'never'), parameters })).rejects.toMatchObject({
        code: 'query-failed',
        message: 'the server does not make the database that is to be "never"',
        detail: 'cannot execute CREATE DATABASE in a read-only transaction.',
      });
    });

    it('goes on behind the timeout that a newer pg_restore sets and an older server refuses, and fails at any other error', async () => {
      const older = await startTestCluster({ major: 14, provider: 'embedded' });
      const there = postgres(older.url(), { max: 1, onnotice: () => undefined });
      try {
        await sql.unsafe('create role absent');
        await sql.unsafe('create table kept as select 1 as id; create table lost (id int); alter table lost owner to absent');
        const repository = await makeMemoryRepository();
        const manifest = await takeDumpOf(repository, ['postgres']);
        // What 17 said of a server of 16.
        const file = path.join(spoolDirectory, 'pg_restore');
        const refused = String.raw`pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"\nCommand was: SET transaction_timeout = 0;\n`;
        const words = `#!/bin/sh\nprintf '${refused}' >&2\ncase "$*" in *--exit-on-error*) exit 1 ;; esac\n`;
        const end = `'${pgRestore.path}' "$@"\necho 'pg_restore: warning: errors ignored on restore: 1' >&2\nexit 1\n`;
        await writeFile(file, words + end, { mode: 0o755 });
        const program = { path: file, major: 17, version: '17.11' };
        const into = {
          ...restoring(repository, manifest, ''),
          parameters: older.parameters(),
          program,
          databases: new Map([['postgres', 'back']]),
        };
        await expect(restoreDump(into)).rejects.toMatchObject({
          detail: expect.stringMatching(/role "absent" does not exist/),
          hint: expect.stringMatching(/with --globals, .*CREATE ROLE "absent";/),
        });
        expect(await there`select datname from pg_database where datname like '%back%' or datname like '%dbadmin restore%'`).toEqual([]);
        await there.unsafe('create role absent');
        await restoreDump({ ...into, globals: true });
        const back = postgres(older.url('back'), { max: 1 });
        expect(await back`select id from kept`).toEqual([{ id: 1 }]);
        await back.end();
      } finally {
        await there.end();
        await older.stop();
        await sql.unsafe('drop table kept, lost; drop role absent');
      }
    });

    it('that fails behind a subscription leaves no half of a database, and the slot of the original', async () => {
      await sql.unsafe('create role absent');
      await sql.unsafe(`create table granted (id int); grant select on granted to absent;
        create subscription "of 'others" connection 'host=127.0.0.1 port=1' publication p with (connect = false, slot_name = 'kept')`);
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, ['postgres']);
      await sql.unsafe('revoke all on granted from absent; drop role absent');
      const databases = new Map([['postgres', 'half']]);
      await expect(restoreDump({ ...restoring(repository, manifest, ''), databases })).rejects.toMatchObject({
        code: 'program-failed',
        detail: expect.not.stringMatching(/Half of database/),
      });
      expect(await sql`select datname from pg_database where datname like 'half%'`).toEqual([]);
      expect(await sql`select subslotname from pg_subscription`).toEqual([{ subslotname: 'kept' }]);
      await sql.unsafe(`alter subscription "of 'others" set (slot_name = none); drop subscription "of 'others"; drop table granted`);
    });

    it('of before they were kept is restored as it was then, and says so', async () => {
      const repository = await makeMemoryRepository();
      const manifest = await takeDumpOf(repository, [NAME]);
      const without = JSON.stringify(manifest, (key, value: unknown) => (key === 'properties' ? undefined : value));
      const before = JSON.parse(without) as DumpManifest;
      const { databases } = await restoreDump(restoring(repository, before, 'of_before'));
      expect(databases).toEqual([{ database: NAME, name: 'of_before', hasProperties: false, notApplied: [], newSchemas: [] }]);
      expect(await propertiesOf('of_before')).toMatchObject([{ columns: { datacl: null }, owner: 'postgres', settings: null }]);
    });
  });
}
