import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Secret } from '../../../src/base/secret.ts';
import { silentLog } from '../../../src/base/log.ts';
import { pendingFile, rotatePassword, type Rotation, type RotationOptions } from '../../../src/roles/rotate/apply.ts';
import { tryLogin } from '../../../src/roles/rotate/inspect-login.ts';
import { rotateTwins } from '../../../src/roles/rotate/run.ts';
import { CLI, COMPILE_CACHE } from '../../built-command.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { cutAtCommitOf } from './cut-at-commit.ts';
import { connect } from './project.ts';

const ADMIN = 'admin-7713';
const OLD = 'the-old-one-88';

describe('roles rotate', () => {
  let cluster: TestCluster;
  let sql: Sql;
  let directory: string;
  let file: string;

  const options = (changes: Partial<RotationOptions> = {}): RotationOptions => ({
    connection: cluster.parameters(),
    maintenanceDatabase: 'postgres',
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    randomBytes,
    lockTimeoutMs: 500,
    waitMs: 10_000,
    unproven: false,
    ...changes,
  });
  const login = async (user: string, password: string): Promise<string> =>
    (await tryLogin(cluster.parameters(), user, new Secret(password))).kind;
  const inFile = async (name = file): Promise<string> => (await readFile(name, 'utf8')).trim();

  beforeAll(async () => {
    cluster = await startTestCluster({
      major: 17,
      password: ADMIN,
      hba: [
        'local all all trust',
        'host all svc_elsewhere 127.0.0.1/32 reject',
        'host all svc_trusted 127.0.0.1/32 trust',
        'host all all 127.0.0.1/32 scram-sha-256',
      ],
    });
    sql = connect(cluster.url());
    await sql.unsafe('create role svc_api login; create role svc_spare login; create role app_user; grant app_user to svc_api, svc_spare');
  });

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-rotate-'));
    file = path.join(directory, 'svc_api');
    await writeFile(file, `${OLD}\n`, { mode: 0o600 });
    await sql.unsafe(`alter role svc_api login password '${OLD}' valid until 'infinity'`);
    return async () => {
      await chmod(directory, 0o700);
      await rm(directory, { recursive: true, force: true });
    };
  });

  afterAll(async () => {
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('the old password is refused, the new one works and is in a file that only its owner reads', async () => {
    expect(await login('svc_api', OLD)).toBe('accepted');
    const rotation = await rotatePassword('svc_api', file, options());
    expect(rotation).toEqual({ role: 'svc_api', file, proof: 'login', oldRefused: true, resumed: false });
    expect(await login('svc_api', OLD)).toBe('refused');
    expect(await login('svc_api', await inFile())).toBe('accepted');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['svc_api']);
  });

  it('a role that never had a password gets one, in a new file', async () => {
    await sql.unsafe('alter role svc_api password null');
    const fresh = path.join(directory, 'made', 'svc_api');
    expect(await rotatePassword('svc_api', fresh, options())).toMatchObject({ proof: 'login', oldRefused: true });
    expect(await login('svc_api', await inFile(fresh))).toBe('accepted');
  });

  it('puts the old password back when logging in with the new one fails', async () => {
    // The date ends every password, and only a login shows it.
    await sql.unsafe("alter role svc_api valid until '2020-01-01'");
    await expect(rotatePassword('svc_api', file, options())).rejects.toMatchObject({
      message: 'the server does not take the new password of role svc_api',
      detail: expect.stringContaining('The old password was put back.') as unknown,
    });
    await sql.unsafe("alter role svc_api valid until 'infinity'");
    expect(await inFile()).toBe(OLD);
    expect(await login('svc_api', OLD)).toBe('accepted');
    expect(await readdir(directory)).toEqual(['svc_api']);
  });

  it.each(['before', 'after', 'refused'] as const)(
    'loses no password where putting the old one back is cut before or after its commit, or refused: %s',
    async (side) => {
      await sql.unsafe("alter role svc_api valid until '2020-01-01'");
      const way = await cutAtCommitOf('PASSWORD', side, cluster.port, 2);
      onTestFinished(() => way.close());
      const connection = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: way.port }] };
      const isKnown = side === 'refused';
      await expect(rotatePassword('svc_api', file, options({ connection }))).rejects.toMatchObject({
        message: 'the server does not take the new password of role svc_api',
        detail: expect.stringContaining(
          isKnown ? 'The old password could not be put back' : 'Whether the old password was put back nobody knows',
        ) as unknown,
      });
      await sql.unsafe("alter role svc_api valid until 'infinity'");
      const fresh = await inFile(isKnown ? file : pendingFile(file));
      expect([await login('svc_api', OLD), await login('svc_api', fresh)]).toEqual(
        side === 'after' ? ['accepted', 'refused'] : ['refused', 'accepted'],
      );
      if (!isKnown) expect(await inFile()).toBe(OLD);
      expect(await rotatePassword('svc_api', file, options())).toMatchObject({ proof: 'login', resumed: side === 'before' });
      expect(await login('svc_api', await inFile())).toBe('accepted');
      if (!isKnown) expect(await inFile()).toBe(fresh);
      expect(await readdir(directory)).toEqual(['svc_api']);
    },
  );

  it('changes nothing when a directory, or a file that others read, is where the password was to go', async () => {
    const taken = path.join(directory, 'taken');
    await mkdir(taken);
    await expect(rotatePassword('svc_api', taken, options())).rejects.toMatchObject({ code: 'refused' });
    await chmod(file, 0o640);
    await expect(rotatePassword('svc_api', file, options())).rejects.toMatchObject({ code: 'refused', hint: `chmod 600 ${file}` });
    expect(await login('svc_api', OLD)).toBe('accepted');
  });

  it('changes nothing when the new password cannot be written', async () => {
    const missing = path.join(file, 'below-a-file');
    await expect(rotatePassword('svc_api', missing, options())).rejects.toMatchObject({ code: expect.stringMatching(/^file-/) as unknown });
    expect(await login('svc_api', OLD)).toBe('accepted');
  });

  it('changes nothing where this host is not let in as the role, unless that is wanted', async () => {
    await sql.unsafe(`create role svc_elsewhere login password '${OLD}'`);
    await expect(rotatePassword('svc_elsewhere', file, options())).rejects.toMatchObject({
      message: 'this host cannot log in as svc_elsewhere, so that a new password could not be tried',
    });
    expect(await inFile()).toBe(OLD);
    expect(await rotatePassword('svc_elsewhere', file, options({ unproven: true }))).toMatchObject({
      proof: 'verifier',
      oldRefused: undefined,
    });
  });

  it('says that nothing is proven where the server asks for no password', async () => {
    await sql.unsafe('create role svc_trusted login');
    const trusted = path.join(directory, 'svc_trusted');
    expect(await rotatePassword('svc_trusted', trusted, options())).toMatchObject({ proof: 'verifier', oldRefused: false });
  });

  it.each([
    ['nobody', 'role nobody does not exist'],
    ['app_user', 'role app_user does not log in, so it has no password to rotate'],
    ['postgres', 'role postgres is the one that is connected: a rotation that fails could lock it out'],
  ])('refuses %s', async (role, message) => {
    await expect(rotatePassword(role, file, options())).rejects.toMatchObject({ code: 'refused', message });
  });

  it('ends what a run began that died after the server had the new password', async () => {
    const half = 'began-by-the-run-that-died';
    await writeFile(pendingFile(file), `${half}\n`, { mode: 0o600 });
    await sql.unsafe(`alter role svc_api password '${half}'`);
    expect(await rotatePassword('svc_api', file, options())).toMatchObject({ proof: 'login', resumed: true });
    expect(await inFile()).toBe(half);
    expect(await login('svc_api', half)).toBe('accepted');
    expect(await readdir(directory)).toEqual(['svc_api']);
  });

  it('puts the password of the file back, and not that of the run that died, when logging in fails', async () => {
    const half = 'began-by-the-run-that-died';
    await writeFile(pendingFile(file), `${half}\n`, { mode: 0o600 });
    await sql.unsafe(`alter role svc_api password '${half}' valid until '2020-01-01'`);
    await expect(rotatePassword('svc_api', file, options())).rejects.toMatchObject({
      detail: expect.stringContaining('The old password was put back.') as unknown,
    });
    await sql.unsafe("alter role svc_api valid until 'infinity'");
    expect(await inFile()).toBe(OLD);
    expect([await login('svc_api', OLD), await login('svc_api', half)]).toEqual(['accepted', 'refused']);
    expect(await readdir(directory)).toEqual(['svc_api']);
  });

  it('goes on with the password of a run that died before the server had it', async () => {
    await writeFile(pendingFile(file), 'never-sent\n', { mode: 0o600 });
    expect(await rotatePassword('svc_api', file, options())).toMatchObject({ proof: 'login', resumed: false });
    expect(await inFile()).toBe('never-sent');
    expect(await login('svc_api', 'never-sent')).toBe('accepted');
  });

  it('a twin gets the new password first, and the old login ends when its clients have gone over', async () => {
    const twinFile = path.join(directory, 'svc_spare');
    const twins = { login: 'svc_api', file, twin: 'svc_spare', twinFile };
    const before = connect(cluster.url('postgres', 'svc_api', OLD));
    await before`select 1`;
    const told: string[] = [];
    const onRotated = async ({ role }: Rotation): Promise<void> => void told.push(role);
    const rotating = rotateTwins(twins, 20_000, { ...options(), onRotated });
    const fresh = await eventually(async () => await inFile(twinFile));
    expect(await login('svc_api', OLD)).toBe('accepted');
    await eventually(async () => expect(told).toEqual(['svc_spare']));
    const after = connect(cluster.url('postgres', 'svc_spare', fresh));
    await eventually(async () => await after`select 1`);
    await before.end();
    const { retired } = await rotating;
    expect(retired).toMatchObject({ role: 'svc_api', oldRefused: true });
    expect(told).toEqual(['svc_spare', 'svc_api']);
    expect(await login('svc_api', OLD)).toBe('refused');
    await expect(rotateTwins(twins, 0, options())).rejects.toMatchObject({ message: 'svc_spare has 1 session: it is the one in use' });
    await after.end();
  });

  it('a twin that is not alike is refused', async () => {
    await sql.unsafe('create role svc_other login createdb; create table own (id int); alter table own owner to svc_api');
    const twins = { login: 'svc_api', file, twin: 'svc_other', twinFile: path.join(directory, 'svc_other') };
    await expect(rotateTwins(twins, 0, options())).rejects.toMatchObject({
      message: 'svc_other cannot stand in for svc_api',
      detail: expect.stringMatching(
        /createdb is off for svc_api[\s\S]*svc_other is not a member of app_user[\s\S]*svc_api owns/,
      ) as unknown,
    });
    await sql.unsafe('drop table own');
    expect(await login('svc_api', OLD)).toBe('accepted');
  });

  describe('dbadmin roles rotate', () => {
    const run = async (...args: string[]): Promise<CommandResult> =>
      await dbadmin(['roles', 'rotate', ...args, '--file', 'roles.yaml', '--url', cluster.url()], directory, { PGPASSWORD: ADMIN });

    beforeEach(async () => {
      await writeFile(
        path.join(directory, 'roles.yaml'),
        'version: 1\nservices:\n  svc_api: { password: { from: file, path: svc_api } }\n  svc_spare: { password: { from: env, name: SPARE } }\n',
      );
    });

    it('takes the file that roles.yaml names, and says what was proven, never the password', async () => {
      const { status, stdout, stderr } = await run('svc_api', '--yes');
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(stdout).toContain(`new password in ${file}; logged in with it; the old one is refused`);
      expect(stdout).not.toContain(await inFile());
      expect(await login('svc_api', await inFile())).toBe('accepted');
    });

    it('asks, and refuses where there is nobody to ask', async () => {
      expect((await run('svc_api')).stderr).toContain('--yes');
      expect(await inFile()).toBe(OLD);
    });

    it('a password that is not in a file needs --out, and is told to be put where it comes from', async () => {
      const refused = await run('svc_spare', '--yes');
      expect(refused.status).toBe(64);
      expect(refused.stderr).toContain('it comes from environment variable SPARE');
      const done = await run('svc_spare', '--yes', '--out', 'spare', '--json');
      expect(done.stderr).toContain('put the new one there');
      expect(JSON.parse(done.stdout)).toMatchObject({ rotated: [{ role: 'svc_spare', proof: 'login', resumed: false }], retired: true });
      expect(await login('svc_spare', await inFile(path.join(directory, 'spare')))).toBe('accepted');
    });

    it('killed at any moment, the password that works is in the file or beside it, and the next run ends it', async () => {
      // The new password comes to disk first: from then on each moment is worth a try.
      const signals: unknown[] = [];
      for (const delayMs of [0, 10, 25, 60]) {
        const args = ['roles', 'rotate', 'svc_api', '--yes', '--file', 'roles.yaml', '--url', cluster.url()];
        const child = spawn(process.execPath, [CLI, ...args], {
          cwd: directory,
          env: { PATH: process.env['PATH'], HOME: directory, PGPASSWORD: ADMIN, ...COMPILE_CACHE },
          stdio: 'ignore',
        });
        const closed = new Promise((resolve) => child.once('close', (_status, signal) => resolve(signal)));
        await rm(pendingFile(file), { force: true });
        while (!existsSync(pendingFile(file)) && child.exitCode === null) await pause(1);
        await pause(delayMs);
        child.kill('SIGKILL');
        signals.push(await closed);
        const known = await Promise.all([file, pendingFile(file)].map(async (name) => await inFile(name).catch(() => undefined)));
        const answers = await Promise.all(known.map(async (each) => (each === undefined ? 'none' : await login('svc_api', each))));
        expect(answers, `killed ${delayMs} ms after it began to write`).toContain('accepted');
        // The next one begins with nothing half done.
        await rotatePassword('svc_api', file, options());
      }
      expect(signals).toContain('SIGKILL');
      await rotatePassword('svc_api', file, options());
      expect(await login('svc_api', await inFile())).toBe('accepted');
      expect((await readdir(directory)).sort()).toEqual(['roles.yaml', 'svc_api']);
    });
  });
});

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let count = 0; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (count > 100) throw error;
      await pause(100);
    }
  }
}
