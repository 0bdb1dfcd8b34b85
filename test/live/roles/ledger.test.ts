import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { ensureClusterIdentity, listClusters } from '../../../src/repository/identity.ts';
import { readLedger } from '../../../src/repository/ledger.ts';
import { openRepository, type Repository } from '../../../src/repository/repository.ts';
import { scramMatches } from '../../../src/roles/scram.ts';
import { createDiskStore } from '../../../src/storage/disk.ts';
import { backUp, makeDirectory, removeDirectory, startReceiver } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { connect } from './project.ts';

const PASSPHRASE = 'a long enough passphrase';
const FILE = `
version: 1
scope: { roles: ["app_*", "svc_*"] }
groups: { app_reader: {} }
services: { svc_api: { password: { from: generate, path: secrets/svc_api } } }
retire: [{ role: svc_old }]
`;

describe('what roles takes away, in the ledger of the repositories', () => {
  let cluster: TestCluster;
  let admin: Sql;
  let directory: string;
  let repository: Repository;
  const run = async (...args: string[]): Promise<CommandResult> => await dbadmin(args, directory);
  const deeds = async (where: Repository = repository): Promise<readonly string[]> =>
    (
      await readLedger(where, (await admin<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`)[0]?.id ?? '')
    ).entries.map(({ deed }) => JSON.stringify({ ...deed, ...('verifier' in deed ? { verifier: deed.verifier !== null } : {}) }));

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    admin = connect(cluster.url());
    await admin.unsafe('create role app_reader; create role svc_api login; create role svc_old login; grant app_reader to svc_api');
    await mkdir(path.join(directory, 'roles'));
    await writeFile(path.join(directory, 'roles', 'roles.yaml'), FILE);
    await writeFile(path.join(directory, 'passphrase'), PASSPHRASE, { mode: 0o600 });
    await writeFile(
      path.join(directory, 'dbadmin.yaml'),
      `version: 1
clusters: { main: { url: ${JSON.stringify(cluster.url())}, repositories: [local, known, fresh] } }
repositories:
  local: { type: disk, path: repository, encryption: { passphrase: { from: file, path: passphrase } } }
  known: { type: disk, path: known }
  fresh: { type: disk, path: fresh }
`,
      { mode: 0o600 },
    );
    expect(await run('backup', 'init')).toMatchObject({ status: 0 });
    repository = await openRepository(await createDiskStore(path.join(directory, 'repository')), {
      kind: 'passphrase',
      passphrase: new Secret(PASSPHRASE),
    });
    const receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await receiver.stop();
    const [lineage] = await listClusters(repository);
    if (lineage === undefined) throw new Error('the backup names no cluster');
    await ensureClusterIdentity(await openRepository(await createDiskStore(path.join(directory, 'known')), { kind: 'none' }), lineage);
  });

  afterAll(async () => {
    await admin?.end({ timeout: 1 });
    await cluster?.stop();
    await removeDirectory(directory);
  });

  it('a first password, and a membership and a role that an apply ends', async () => {
    expect(await run('roles', 'apply', '--yes', '--allow-drop')).toMatchObject({ status: 0, stderr: '' });
    expect((await deeds()).toSorted()).toEqual([
      '{"kind":"membership-revoked","role":"app_reader","member":"svc_api"}',
      '{"kind":"password-rotated","role":"svc_api","verifier":true}',
      '{"kind":"role-dropped","role":"svc_old"}',
    ]);
  });

  it('goes into a repository that knows the cluster and has no backup: it may have dumps, or the first backup may be on its way', async () => {
    const known = await openRepository(await createDiskStore(path.join(directory, 'known')), { kind: 'none' });
    expect((await deeds(known)).toSorted()).toEqual([
      '{"kind":"membership-revoked","role":"app_reader","member":"svc_api"}',
      '{"kind":"password-rotated","role":"svc_api","verifier":false}',
      '{"kind":"role-dropped","role":"svc_old"}',
    ]);
  });

  it('goes into none that has never held anything of the cluster: what --url leads to may be gone tomorrow', async () => {
    expect(await deeds(await openRepository(await createDiskStore(path.join(directory, 'fresh')), { kind: 'none' }))).toEqual([]);
  });

  it('of an apply that ended in part, what it had done by then; the rest when it goes on', async () => {
    await admin.unsafe(`create role app_owner; create role app_left; create role outside;
      grant app_reader to svc_api; create schema core; grant usage on schema core to app_left, app_reader`);
    await admin.unsafe('create database shop');
    const shop = connect(cluster.url('shop'));
    await shop.unsafe(`create schema s; grant usage on schema s to app_left with grant option;
      set role app_left; grant usage on schema s to outside; reset role`);
    const databases = ['postgres: { schemas: { core: { owner: app_owner } } }', 'shop: { schemas: { s: { owner: app_owner } } }'];
    const text = FILE.replace('app_reader: {}', 'app_reader: {}, app_owner: {}, app_left: {}').replace(/^retire.*$/m, '');
    await writeFile(path.join(directory, 'roles', 'roles.yaml'), `${text}databases: { ${databases.join(', ')} }\n`);
    const before = (await deeds()).length;
    const partly = await run('roles', 'apply', '--yes');
    expect(partly.status, partly.stderr).toBe(3);
    expect(partly.stderr).toMatch(/dependent privileges exist/);
    const usage = (database: string, grantee: string, name: string): string =>
      `{"kind":"privilege-revoked","database":"${database}","grantee":"${grantee}","privileges":["USAGE"],"on":{"kind":"schema","name":"${name}"}}`;
    const done = [
      '{"kind":"membership-revoked","role":"app_reader","member":"svc_api"}',
      usage('postgres', 'app_left', 'core'),
      usage('postgres', 'app_reader', 'core'),
    ];
    expect((await deeds()).slice(before).toSorted()).toEqual(done);
    await shop.unsafe('revoke usage on schema s from app_left cascade; grant usage on schema s to app_left');
    await shop.end();
    expect(await run('roles', 'apply', '--yes')).toMatchObject({ status: 0 });
    expect((await deeds()).slice(before).toSorted()).toEqual([...done, usage('shop', 'app_left', 's')].toSorted());
  });

  it('a rotation, with the verifier of the new password and of no other', async () => {
    const old = await readFile(path.join(directory, 'roles', 'secrets', 'svc_api'), 'utf8');
    expect(await run('roles', 'rotate', 'svc_api', '--yes')).toMatchObject({ status: 0 });
    const fresh = await readFile(path.join(directory, 'roles', 'secrets', 'svc_api'), 'utf8');
    const [{ id } = { id: '' }] = await admin<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
    const deed = (await readLedger(repository, id)).entries.at(-1)?.deed;
    const stored = new Secret(deed?.kind === 'password-rotated' ? (deed.verifier ?? '') : '');
    expect(scramMatches(new Secret(fresh.trim()), stored)).toBe(true);
    expect(scramMatches(new Secret(old.trim()), stored)).toBe(false);
  });

  it('a repository that is away is warned of, and the change is made', async () => {
    await rm(path.join(directory, 'passphrase'));
    const { status, stderr } = await run('roles', 'rotate', 'svc_api', '--yes');
    expect(status).toBe(0);
    expect(stderr).toContain('what was taken away is not written into the ledger of local');
  });
});
