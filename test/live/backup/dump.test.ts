import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDbadminError } from '../../../src/base/errors.ts';
import { inspectDumpSource, type DumpSource } from '../../../src/backup/dump/inspect.ts';
import { dumpManifestKey } from '../../../src/backup/dump/layout.ts';
import { restoreFromFile, type RestoreSelection } from '../../../src/backup/dump/pg-dump-restore.ts';
import { restoreDump } from '../../../src/backup/dump/restore-run.ts';
import { readDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { chooseDatabases } from '../../../src/backup/dump/choose-databases.ts';
import { extentOf } from '../../../src/backup/dump/extent.ts';
import type { DumpSelection } from '../../../src/backup/dump/manifest.ts';
import { takeDump, type DumpRequest } from '../../../src/backup/dump/run.ts';
import { inspectRestore } from '../../../src/backup/restore/inspect.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { clusterKey } from '../../../src/repository/layout.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { dumpRequest, findDumpPrograms, type DumpPrograms } from '../../backup/dump-request.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const IDENTITY = {
  format: 2,
  id: 'a'.repeat(32),
  createdAt: '2026-11-21T00:00:00.000Z',
  tool: 'test',
  encryption: 'none',
  conditionalCreate: true,
} as const;
const PASSWORD = 'p%20a:s s/@"wörd';
const DATABASE = 'odd "name/@ü';
const ALL: DumpSelection = { databases: 'all', excluded: [], schemaOnly: false, tables: [] };
// The server is of the major whose dumps this machine's oldest pg_dump can take.
const programs = await findDumpPrograms();
if (programs === undefined) {
  it('takes dumps', (context) => context.skip('no pg_dump, pg_dumpall and pg_restore on this machine'));
} else {
  describeDumps(programs);
}

function describeDumps(programs: DumpPrograms): void {
  const { pgDump, pgRestore } = programs;
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let source: DumpSource;
  let spoolDirectory: string;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: Math.min(pgDump.major, 18), password: PASSWORD });
    const admin = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await admin`create database ${admin(DATABASE)}`;
    await admin`create database restored`;
    await admin.end();
    sql = postgres(cluster.url(), { database: DATABASE, max: 2, onnotice: () => undefined });
    await sql.unsafe(`
    create schema kept; create schema other;
    create table kept.play (id bigint generated always as identity primary key, track text not null, at timestamptz default now());
    insert into kept.play (track) select repeat(md5(i::text), 20) from generate_series(1, 20000) i;
    create table other.note (body text); insert into other.note values ('ü''x'), (null);
    create view kept.tracks as select count(*) as n from kept.play;`);
    source = await inspectDumpSource(cluster.parameters());
    spoolDirectory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-dump-test-'));
  });

  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await cluster.stop();
    await rm(spoolDirectory, { recursive: true, force: true });
  });

  function request(store: ObjectStore, changes: Partial<DumpRequest> = {}): DumpRequest {
    const repository = { store, identity: IDENTITY, ...CLEAR };
    const wanted = { repository, source, parameters: cluster.parameters(), databases: [DATABASE], spoolDirectory };
    return dumpRequest(programs, { ...wanted, ...changes });
  }

  async function keysOf(store: ObjectStore): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    return keys;
  }

  describe('takeDump', () => {
    it('stores dumps that pg_restore brings back row by row, and a manifest that is true', async () => {
      const store = createMemoryStore();
      const manifest = await takeDump(request(store, { databases: [DATABASE, 'postgres'] }));
      expect(manifest).toMatchObject({ cluster: 'main', systemIdentifier: source.systemIdentifier, programVersion: pgDump.version });
      expect(manifest.label).toMatch(/^\d{8}T\d{6}Z-dump$/);
      expect(JSON.parse(Buffer.from(await store.read(dumpManifestKey('1/', manifest.label))).toString())).toEqual({
        ...manifest,
        checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      const [dumped] = manifest.databases;
      expect(manifest.databases.map(({ key }) => key)).toEqual([
        `1/dumps/${manifest.label}/odd=20=22name=2F=40=C3=BC.dump`,
        `1/dumps/${manifest.label}/postgres.dump`,
      ]);
      const bytes = await store.read(dumped?.key ?? '');
      expect(dumped).toMatchObject({ sizeBytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') });
      expect(await readdir(spoolDirectory)).toEqual([]);

      const file = path.join(spoolDirectory, 'restored.dump');
      await writeFile(file, bytes);
      await restoreFromFile({ program: pgRestore, parameters: cluster.parameters('restored'), env: process.env }, file, {
        exitOnError: true,
      });
      await rm(file);
      const restored = postgres(cluster.url('restored'), { max: 1 });
      for (const query of ['select * from kept.play order by id', 'select * from other.note order by body', 'select * from kept.tracks']) {
        expect(await restored.unsafe(query)).toEqual(await sql.unsafe(query));
      }
      await restored.end();
    });

    it.each([false, true])('gives databases back under new names, with roles, in parallel (encrypted: %s)', async (encrypted) => {
      const repository = await makeMemoryRepository(encrypted);
      const role = `dumped_${encrypted}`;
      await sql.unsafe(`create role ${role}`);
      const manifest = await takeDump(request(repository.store, { repository }));
      const stored = Buffer.from(await repository.store.read(manifest.databases[0]?.key ?? ''));
      expect(stored.toString('latin1', 0, 5) === 'PGDMP').toBe(!encrypted);
      await sql.unsafe(`drop role ${role}`);
      const restore = {
        repository,
        manifest: await readDumpManifest(repository, '1/', manifest.label),
        databases: new Map([[DATABASE, `again_${encrypted}`]]),
        globals: true,
        parameters: cluster.parameters(),
        program: pgRestore,
        jobs: 2,
        env: process.env,
        spoolDirectory,
        signal: new AbortController().signal,
      };
      const { globals } = await restoreDump(restore);
      expect(globals?.applied).toBeGreaterThan(0);
      expect(globals?.kept.roles).toContain('postgres');
      expect(await sql`select 1 from pg_roles where rolname = ${role}`).toHaveLength(1);
      const again = postgres(cluster.url(`again_${encrypted}`), { max: 1 });
      const query = 'select * from kept.play order by id';
      expect(await again.unsafe(query)).toEqual(await sql.unsafe(query));
      await again.end();
      await expect(restoreDump(restore)).rejects.toMatchObject({ code: 'refused' });
      const damaged = { ...repository, store: createMemoryStore() };
      for await (const { key } of repository.store.list('')) {
        const bytes = Buffer.from(await repository.store.read(key));
        if (key.endsWith('.dump')) bytes[bytes.byteLength - 40] = (bytes[bytes.byteLength - 40] ?? 0) ^ 1;
        await damaged.store.create(key, bytes);
      }
      const elsewhere = { ...restore, repository: damaged, databases: new Map([[DATABASE, 'not_made']]) };
      await expect(restoreDump(elsewhere)).rejects.toMatchObject({ code: 'repository-damaged' });
      expect(await sql`select 1 from pg_database where datname = 'not_made'`).toHaveLength(0);
      expect(await readdir(spoolDirectory)).toEqual([]);
    });

    it('stores the roles with their settings and memberships, and no password', async () => {
      await sql.unsafe(
        `create role reader; create role ann login password 'annsecret' in role reader; alter role ann set work_mem = '8MB'`,
      );
      const store = createMemoryStore();
      const { globals, label } = await takeDump(request(store));
      const text = Buffer.from(await store.read(globals.key)).toString();
      expect(globals).toMatchObject({ key: `1/dumps/${label}/globals.sql`, sizeBytes: Buffer.byteLength(text) });
      for (const line of ['CREATE ROLE ann', 'GRANT reader TO ann', "ALTER ROLE ann SET work_mem TO '8MB'"]) expect(text).toContain(line);
      expect(text).not.toMatch(/password|scram/i);
    });

    it('dumps only the tables or the definitions that are asked for', async () => {
      const whole = await takeDump(request(createMemoryStore()));
      const schemaOnly = await takeDump(request(createMemoryStore(), { selection: { ...ALL, schemaOnly: true } }));
      const oneTable = await takeDump(request(createMemoryStore(), { selection: { ...ALL, tables: ['other.note'] } }));
      const size = (manifest: typeof whole): number => manifest.databases[0]?.sizeBytes ?? 0;
      expect(size(schemaOnly)).toBeLessThan(size(whole) / 10);
      expect(size(oneTable)).toBeLessThan(size(whole) / 10);
      expect([whole, schemaOnly, oneTable].map(extentOf)).toEqual(['whole', 'part', 'part']);
    });

    it('shows the password to nobody: not in the arguments of the program, not in our own environment', async () => {
      const holder = postgres(cluster.url(), { database: DATABASE, max: 1 });
      const held = await holder.reserve();
      await held.unsafe('begin; lock table kept.play in access exclusive mode');
      const dumping = takeDump(request(createMemoryStore()));
      try {
        const lines = await argumentsOf('pg_dump', spoolDirectory);
        expect(lines.length).toBeGreaterThan(0);
        for (const line of lines) {
          for (const form of [PASSWORD, encodeURIComponent(PASSWORD), 'wörd', 'w%C3%B6rd', 'password=p']) expect(line).not.toContain(form);
        }
        expect(process.env['PGPASSWORD']).toBeUndefined();
        expect(process.env['PATH']).not.toContain(path.dirname(pgDump.path) + path.delimiter + path.dirname(pgDump.path));
      } finally {
        await held.unsafe('rollback');
        held.release();
        await holder.end({ timeout: 1 });
      }
      await dumping;
    });

    it('connects as the parameters say, whatever libpq variables are set around it', async () => {
      const env = {
        ...process.env,
        PGHOST: 'nowhere.invalid',
        PGHOSTADDR: '192.0.2.1',
        PGPORT: '1',
        PGUSER: 'x',
        PGPASSWORD: 'wrong',
        PGSERVICE: 'none',
        PGOPTIONS: '-c bad=1',
      };
      const store = createMemoryStore();
      await takeDump(request(store, { env }));
      expect((await keysOf(store)).filter((key) => key.includes('/dumps/'))).toHaveLength(3);
    });

    it('E4: fails with what pg_dump said, and leaves nothing but that the cluster is known: no dump without its manifest', async () => {
      const store = createMemoryStore();
      await expect(takeDump(request(store, { databases: [DATABASE, 'gone'] }))).rejects.toMatchObject({
        code: 'program-failed',
        detail: expect.stringContaining('database "gone" does not exist'),
      });
      // The ledger takes what is done while the first dump is taken, and goes by that.
      expect(await keysOf(store)).toEqual([clusterKey(source.systemIdentifier)]);
      expect(await readdir(spoolDirectory)).toEqual([]);
      const wrong = await takeDump(request(store, { parameters: cluster.parameters('postgres', 'postgres', 'wrong-secret') })).catch(
        (error: unknown) => error,
      );
      expect(wrong).toMatchObject({ code: 'program-failed', detail: expect.stringContaining('password authentication failed') });
      expect(JSON.stringify([wrong, String(wrong)])).not.toContain('wrong-secret');
    });

    it('makes the cluster known, so that recovery to a point in time is refused by name where dumps are all there is', async () => {
      const repository = await makeMemoryRepository();
      const { label } = await takeDump(request(repository.store, { repository, keyPrefix: `${source.systemIdentifier}/` }));
      const asked = {
        repository,
        clusterName: 'main',
        systemIdentifier: undefined,
        exclusive: false,
        backup: undefined,
        timeline: undefined,
      };
      const restoring = inspectRestore({
        ...asked,
        target: { kind: 'latest' },
        dataDirectory: path.join(spoolDirectory, 'clone'),
        tablespaces: new Map(),
      });
      await expect(restoring).rejects.toMatchObject({
        code: 'target-unreachable',
        message: expect.stringContaining('PITR'),
        hint: expect.stringContaining(`--dump ${label}`),
      });
    });

    it('stops when it is interrupted', async () => {
      const reason = new Error('stopped');
      await expect(takeDump(request(createMemoryStore(), { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    });
  });

  describe('restoreFromFile', () => {
    it('refuses the option that pg-dump-restore turns into its opposite', async () => {
      const selection = { excludeSchemaPattern: 'other' } as RestoreSelection;
      const call = { program: pgRestore, parameters: cluster.parameters('restored'), env: process.env };
      await expect(restoreFromFile(call, '/nonexistent', selection)).rejects.toMatchObject({ code: 'internal' });
    });
  });

  describe('what a dump reads', () => {
    it('is every database that is no template, or those named, each once', () => {
      expect(source.databases).toEqual([DATABASE, 'postgres', 'restored']);
      expect(source.undumpable).toEqual([]);
      expect(chooseDatabases(source, ALL)).toEqual({ databases: source.databases, leftOut: [] });
      expect(chooseDatabases(source, { ...ALL, databases: ['restored', 'restored'] }).databases).toEqual(['restored']);
    });

    it('is refused when this machine has only older programs, saying which and what to install', async () => {
      const refusal: unknown = await findClientProgram('pg_dump', { atLeastMajor: 99 }, process.env).catch((error: unknown) => error);
      expect(isDbadminError(refusal, 'program-missing')).toBe(true);
      expect(refusal).toMatchObject({
        detail: expect.stringContaining(pgDump.version),
        hint: expect.stringContaining('postgresql-client-99'),
      });
    });
  });
}

/** The argument lists of running programs of this name that mention `mark`, once there are any. */
async function argumentsOf(program: string, mark: string): Promise<readonly string[]> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const lines = await Promise.all(pids.map(async (pid) => await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    const found = lines.filter((line) => line.includes(program) && line.includes(mark));
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return [];
}
