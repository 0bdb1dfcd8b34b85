import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseDeed } from '../../../src/backup/reconcile/parse-deed.ts';
import { inspectPosition } from '../../../src/backup/reconcile/position-inspect.ts';
import { appendLedger } from '../../../src/repository/ledger.ts';
import { Secret } from '../../../src/base/secret.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { createDiskStore } from '../../../src/storage/disk.ts';
import { runCommand, type CommandEnd } from '../../backup/command.ts';
import { makeDirectory, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { freePort } from '../../postgres/address.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const PASSPHRASE = 'a long enough passphrase';

const ROLES = `
version: 1
scope: { roles: ["app_*"], databases: [music], schemas: { music: [core] } }
groups: { app_owner: {} }
services: { app_intern: {} }
databases:
  music:
    schemas: { core: { owner: app_owner } }
`;

const PAST = `
create schema core;
create table core.listener (id bigint primary key);
insert into core.listener values (70), (71);
create procedure core.forget(bigint) language sql as 'delete from core.listener where id = $1';
create role app_owner;
create role app_intern login;
alter schema core owner to app_owner;
create role app_reader;
create role svc_old login password 'old';
create role svc_api login password 'first';
create role "current_user" login;
create role svc_loader login;
grant app_reader to "current_user";
grant usage on schema core to svc_loader, app_reader;
grant update on core.listener to svc_loader with grant option;
set role svc_loader; grant update on core.listener to app_reader; reset role;
grant select on core.listener to app_intern, svc_old;
create table core.owned_by_old ();
alter table core.owned_by_old owner to svc_old`;

/** Applied after the moment that is restored to; the revokes come after it, and so does the end of svc_old. */
const MIGRATION = `
create schema later;
create table core.payout (id bigint primary key);
create type later.amount as enum ('small');
create function later.pay(later.amount) returns int language sql as 'select 1';
grant usage on schema later to svc_loader;
grant select on core.payout to svc_loader, svc_old;
`;

/** What is revoked of it, in words of the ledger. */
const YOUNGER = [
  ['select', 'core.payout'],
  ['usage', 'schema:later'],
  ['execute', 'function:later.pay(later.amount)'],
  ['select', 'all-tables:later'],
] as const;

const DEEDS = `
revoke select on core.payout from svc_loader; revoke usage on schema later from svc_loader;
call core.forget(71);
revoke app_reader from "current_user";
alter table core.owned_by_old owner to app_owner; drop owned by svc_old; drop role svc_old;
alter role svc_api password 'second';
set role svc_loader; revoke update on core.listener from app_reader; reset role;
revoke select on core.listener from app_intern`;

describe('what comes back from the dead', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  const ports = { plain: 0, reconciled: 0, replayed: 0, newest: 0 };

  const dbadmin = async (...args: string[]): Promise<CommandEnd> => await runCommand([...args, '--config', config]);
  const succeeded = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await dbadmin(...args);
    expect(`${status} ${stderr}${stdout}`).toMatch(/^0 /);
    return stdout;
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded', password: 'super' });
    ports.plain = await freePort();
    ports.reconciled = await freePort();
    ports.replayed = await freePort();
    ports.newest = await freePort();
    config = path.join(directory, 'dbadmin.yaml');
    await mkdir(path.join(directory, 'roles'));
    await writeFile(path.join(directory, 'roles', 'roles.yaml'), ROLES);
    await writeFile(path.join(directory, 'passphrase'), PASSPHRASE, { mode: 0o600 });
    await writeFile(
      config,
      `version: 1\nclusters:\n  main: { url: ${JSON.stringify(cluster.url('music'))}, repositories: [local] }\nrepositories:\n  local: { type: disk, path: repository, encryption: { passphrase: { from: file, path: passphrase } } }\n`,
      { mode: 0o600 },
    );
    const admin = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await admin.unsafe('create database music');
    await admin.end();
    const sql = postgres(cluster.url('music'), { max: 1, onnotice: () => undefined });
    await sql.unsafe(PAST);
    await succeeded('backup', 'init');
    const store = await createDiskStore(path.join(directory, 'repository'));
    const repository = await openRepository(store, { kind: 'passphrase', passphrase: new Secret(PASSPHRASE) });
    const receiver = startReceiver(cluster, repository);
    await succeeded('backup', 'run');
    await sql`select pg_create_restore_point('before')`;
    await mkdir(path.join(directory, 'sql', 'migrations'), { recursive: true });
    await writeFile(path.join(directory, 'sql', 'migrations', '20261121T020000_payout.sql'), MIGRATION);
    await succeeded('migrate', '--yes');
    await sql.unsafe(DEEDS);
    await succeeded('backup', 'ledger', 'add', 'subject-forgotten', 'core.forget', '71', '--subject', 'listener 71');
    await succeeded('backup', 'ledger', 'add', 'password-rotated', 'svc_api');
    const position = await inspectPosition(sql);
    for (const [kind, ...words] of [
      ['membership-revoked', 'current_user', 'app_reader'],
      ['role-dropped', 'svc_old'],
      ['privilege-revoked', 'app_reader', 'update', 'core.listener'],
      ...YOUNGER.map(([privilege, object]) => ['privilege-revoked', 'svc_loader', privilege, object]),
    ]) {
      const deed = parseDeed({ kind: kind ?? '', words, database: 'music', subject: undefined });
      await appendLedger(repository, { ...position, at: new Date(), by: 'a test', deed });
    }
    const [after] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
    await waitUntilStored(repository, parseLsn(after?.lsn ?? ''));
    await sql.end();
    await receiver.stop();
  });

  afterAll(async () => {
    const programs = await embeddedPrograms(17);
    for (const name of Object.keys(ports)) await stopCluster(programs, path.join(directory, name), 'immediate');
    await cluster?.stop();
    await removeDirectory(directory);
  });

  async function login(port: number, user: string, password: string): Promise<string> {
    const sql = postgres({ host: '127.0.0.1', port, user, password, database: 'music', max: 1, connect_timeout: 2 });
    try {
      await sql`select 1`;
      return 'in';
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      await sql.end({ timeout: 0 });
    }
  }

  /** What of the past is in a clone. */
  async function returned(port: number): Promise<object> {
    const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', password: 'super', database: 'music', max: 1 });
    const [row] = await sql`select
      (select count(*)::int from core.listener where id = 71) as listener,
      (select count(*)::int from pg_roles where rolname = 'svc_old') as role,
      pg_has_role('current_user', 'app_reader', 'member') as member,
      has_table_privilege('app_reader', 'core.listener', 'update') as update,
      has_table_privilege('app_intern', 'core.listener', 'select') as select,
      to_regclass('core.owned_by_old') is not null as owned`;
    await sql.end();
    return {
      ...row,
      old: await login(port, 'svc_old', 'old'),
      first: await login(port, 'svc_api', 'first'),
      second: await login(port, 'svc_api', 'second'),
    };
  }

  test('is named, each thing, by a plain restore, and is there', async () => {
    const into = path.join(directory, 'plain');
    const stdout = await succeeded('restore', '--to-name', 'before', '--into', into, '--start', '--port', String(ports.plain), '--yes');
    for (const named of [
      /listener 71 \(erased /,
      /current_user as member of app_reader \(revoked /,
      /role svc_old \(dropped /,
      /old password of svc_api \(rotated /,
      /UPDATE on core\.listener for app_reader in music \(revoked /,
      /NARROW app_intern − SELECT on core\.listener/,
    ])
      expect(stdout).toMatch(named);
    expect(await returned(ports.plain)).toEqual({
      listener: 1,
      role: 1,
      member: true,
      update: true,
      select: true,
      owned: true,
      old: 'in',
      first: 'in',
      second: '28P01',
    });
  });

  test('does not return with --reconcile, and nobody can connect before', async () => {
    const into = path.join(directory, 'reconciled');
    const ends = new AbortController();
    const knocking = (async () => {
      const answers = new Set<string>();
      while (!ends.signal.aborted) {
        answers.add(await login(ports.reconciled, 'svc_old', 'old'));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return answers;
    })();
    const words = `restore --to-name before --into ${into} --start --reconcile --port ${ports.reconciled} --yes --json`.split(' ');
    const stdout = await succeeded(...words).finally(() => ends.abort());
    expect([...(await knocking)]).not.toContain('in');
    const { reconciled } = JSON.parse(stdout) as { reconciled: { ledger: { kind: string; outcome: string }[]; roles: string[] } };
    expect(reconciled.ledger.map(({ kind, outcome }) => `${kind} ${outcome}`).sort()).toEqual([
      'membership-revoked undone',
      'migration-applied left-to-files',
      'password-rotated undone',
      ...YOUNGER.map(() => 'privilege-revoked nothing-to-undo'),
      'privilege-revoked undone',
      'role-dropped left-as-owner',
      'subject-forgotten undone',
    ]);
    expect(await returned(ports.reconciled)).toEqual({
      listener: 0,
      // With no login and no right but to the table that it owned.
      role: 1,
      member: false,
      update: false,
      select: false,
      owned: true,
      old: '28P01',
      first: '28P01',
      second: 'in',
    });
  });

  test('does not return with migrations that granted it before it was revoked', async () => {
    const into = path.join(directory, 'replayed');
    const words = `restore --to-name before --into ${into} --start --reconcile --replay-migrations --port ${ports.replayed} --yes --json`;
    const stdout = await succeeded(...words.split(' '));
    const { reconciled } = JSON.parse(stdout) as {
      reconciled: { ledger: { kind: string; outcome: string }[]; migrations: string[]; migrationsReplayed: boolean };
    };
    expect(reconciled).toMatchObject({ migrations: ['20261121T020000_payout.sql'], migrationsReplayed: true });
    const privileges = reconciled.ledger.filter(({ kind }) => kind === 'privilege-revoked');
    expect(new Set(privileges.map(({ outcome }) => outcome))).toEqual(new Set(['undone']));
    const sql = postgres({ host: '127.0.0.1', port: ports.replayed, user: 'postgres', password: 'super', database: 'music', max: 1 });
    const [row] = await sql`select has_table_privilege('svc_loader', 'core.payout', 'select') as table,
      has_schema_privilege('svc_loader', 'later', 'usage') as schema,
      (select count(*)::int from pg_roles where rolname = 'svc_old') as role`;
    await sql.end();
    expect(row).toEqual({ table: false, schema: false, role: 1 });
  });

  test('needs no migration where all were applied before the moment, and none is said to be replayed', async () => {
    const into = path.join(directory, 'newest');
    const words = `restore --to-latest --into ${into} --start --reconcile --replay-migrations --port ${ports.newest} --yes --json`;
    expect(JSON.parse(await succeeded(...words.split(' ')))).toMatchObject({ reconciled: { migrations: [], migrationsReplayed: false } });
  });

  test('is nothing when the moment is after the deeds', async () => {
    const stdout = await succeeded('restore', '--to-latest', '--into', path.join(directory, 'later'), '--dry-run', '--json');
    expect((JSON.parse(stdout) as { preflight: { returning: unknown[] } }).preflight.returning).toEqual([]);
  });

  test('keeps a password’s verifier in the encrypted repository and shows it nowhere', async () => {
    const stdout = await succeeded('backup', 'ledger', '--json');
    expect(stdout).toContain('password of svc_api');
    expect(stdout).not.toContain('SCRAM');
  });
});
