import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { readLease, type LeaseName } from '../../src/repository/lease-objects.ts';
import { acquireLease, type Lease } from '../../src/repository/leases.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { CLI, COMPILE_CACHE } from '../built-command.ts';

const GOLDEN = path.resolve(import.meta.dirname, '..', 'golden');
const SYSTEM = '7000000000000000001';
const PASSPHRASE = 'golden passphrase';
const [CTRL_C, CTRL_D] = ['\u0003', '\u0004'];

const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-questions-'));
afterAll(async () => await rm(directory, { recursive: true, force: true }));

let cwd: string;

/** A copy of the golden repositories, `clear` and `locked`. */
beforeEach(async () => {
  cwd = await mkdtemp(path.join(directory, 'project-'));
  await writeFile(
    path.join(cwd, 'dbadmin.yaml'),
    `version: 1
clusters: { main: { host: 127.0.0.1, port: 1, user: u, database: d, repositories: [clear, locked] } }
repositories:
  clear: { type: disk, path: clear }
  locked: { type: disk, path: locked, encryption: { passphrase: { from: env, name: SECRET } } }
`,
  );
  await cp(path.join(GOLDEN, 'format-2'), path.join(cwd, 'clear'), { recursive: true });
  await cp(path.join(GOLDEN, 'format-2-encrypted'), path.join(cwd, 'locked'), { recursive: true });
});

type Answer = string | { readonly signal: NodeJS.Signals };

/** Runs a command on a terminal, and gives each question the next answer, as it is asked. */
async function answering(args: readonly string[], answers: readonly Answer[]): Promise<{ status: number | null; said: string }> {
  const child = spawn('script', ['-qec', `exec '${process.execPath}' '${CLI}' ${args.join(' ')}`, '/dev/null'], {
    cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: cwd,
      TERM: 'xterm',
      NO_COLOR: '1',
      SECRET: PASSPHRASE,
      SHELL: '/bin/sh',
      ...COMPILE_CACHE,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  const left = [...answers];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const asked = (said + text).split('[y/N]').length - said.split('[y/N]').length;
    said += text;
    for (let n = 0; n < asked; n += 1) {
      const answer = left.shift();
      if (typeof answer === 'string') child.stdin.write(answer);
      else if (answer !== undefined) void signalChildOf(child.pid ?? 0, answer.signal);
    }
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, said: said.replaceAll('\r', '') };
}

function withoutTerminal(args: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', `exec '${process.execPath}' '${CLI}' ${args.join(' ')} </dev/null`], {
    cwd,
    env: { HOME: cwd, SECRET: PASSPHRASE, ...COMPILE_CACHE },
    encoding: 'utf8',
  });
  return { status, said: `${stdout}${stderr}` };
}

async function signalChildOf(pid: number, signal: NodeJS.Signals): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  process.kill(Number(children.trim()), signal);
}

describe.skipIf(spawnSync('script', ['--version']).status !== 0)('a question on a terminal', () => {
  const ROTATE = ['repository', 'key', 'rotate', '--repository', 'locked', '--key-file', 'new.key', '--generate'];
  const isMade = async (): Promise<boolean> =>
    await access(path.join(cwd, 'new.key')).then(
      () => true,
      () => false,
    );

  test.each([
    ['n', 'n\r', /^error: stopped: nothing was changed$/m],
    ['Ctrl-C', CTRL_C, /^error: interrupted at a question$/m],
    ['Ctrl-D', CTRL_D, /^error: interrupted at a question$/m],
    ['SIGTERM', { signal: 'SIGTERM' }, /^error: interrupted by SIGTERM$/m],
  ] as const)('%s for an answer: no key file is made, and the status is 130', async (_name, answer, message) => {
    const { status, said } = await answering(ROTATE, [answer]);
    expect(said).toMatch(message);
    expect(said).not.toContain('defect');
    expect(status).toBe(130);
    expect(await isMade()).toBe(false);
  });

  test('y rotates the key', async () => {
    expect(await answering(ROTATE, ['y\r'])).toMatchObject({ status: 0, said: expect.stringContaining('is in the place of') });
    expect(await isMade()).toBe(true);
  });

  describe('about what retention lets go', () => {
    const EXPIRE = ['backup', 'expire', '--repository', 'clear', '--system-identifier', SYSTEM, '--keep', 'last=1', '--grace', "'25 h'"];
    const labels = async (): Promise<readonly string[]> =>
      (await readdir(path.join(cwd, 'clear', SYSTEM, 'backups'))).map((name) => name.replace(/\..*$/, ''));

    test('the line to copy removes what was shown, by the same rules, and asks first', async () => {
      const before = await labels();
      const planned = await answering(EXPIRE, []);
      const [, line = ''] = /Remove it with: dbadmin (.*)$/m.exec(planned.said) ?? [];
      expect(line).toBe(`backup expire --apply ${EXPIRE.slice(2, 6).join(' ')} --keep last=1 --grace '25 h'`);
      const kept = await answering([line], ['n\r']);
      expect(kept.said).toMatch(
        /1 goes, 1 stay;[^]*Remove the one that goes from clear\? [^]*^error: stopped: nothing was removed from clear$/m,
      );
      expect(kept.status).toBe(130);
      expect(await labels()).toEqual(before);
      expect(await answering([line], ['y\r'])).toMatchObject({ status: 0, said: expect.stringMatching(/removed {4}1 backup$/m) });
      expect(await labels()).toEqual(['20261121T010000Z-incr']);
      // What is left is to stay: there is nothing to ask about.
      expect(await answering([line], [])).toMatchObject({ status: 0, said: expect.not.stringContaining('[y/N]') });
    });

    describe('of several repositories', () => {
      const all = [...EXPIRE.filter((word) => word !== '--repository' && word !== 'clear'), '--apply', '--json'];
      const REMOVED = { expired: { backups: ['20261121T000000Z-full'] } };
      const repositoriesIn = (said: string): object[] =>
        (JSON.parse(said.slice(said.search(/^\{$/m))) as { repositories: object[] }).repositories;

      test('each is asked about by itself, also where the plan is not shown', async () => {
        const { status, said } = await answering(all, ['n\r', 'y\r']);
        expect(said).toContain('Remove 20261121T000000Z-full from clear?');
        expect(repositoriesIn(said)).toMatchObject([
          { repository: 'clear', declined: true, expired: null },
          { repository: 'locked', ...REMOVED },
        ]);
        expect(status).toBe(3);
        expect(await labels()).toHaveLength(2);
      });

      test('a no to the only question is a no, also where another one had nothing to ask about', async () => {
        await answering([...all, '--repository', 'locked'], ['y\r']);
        const { status, said } = await answering(all, ['n\r']);
        expect(said).not.toContain('from locked?');
        expect(said).toContain('stopped: nothing was removed from clear, locked');
        expect(status).toBe(130);
        expect(await labels()).toHaveLength(2);
      });

      test.each([
        ['Ctrl-C', CTRL_C],
        ['Ctrl-D', CTRL_D],
        ['SIGTERM', { signal: 'SIGTERM' }],
      ] as const)('%s at the second: what was removed from the first is told', async (_name, answer) => {
        const { status, said } = await answering(all, ['y\r', answer]);
        expect(repositoriesIn(said)).toMatchObject([
          { repository: 'clear', ...REMOVED },
          { repository: 'locked', error: { code: 'interrupted' } },
        ]);
        expect(said).toContain('nothing more was removed from locked: interrupted');
        expect(status).toBe(130);
      });

      test('Ctrl-C at the first ends it', async () => {
        const { status, said } = await answering(all, [CTRL_C]);
        expect(said).not.toContain('from locked?');
        expect(JSON.parse(said.slice(said.search(/^\{$/m)))).toMatchObject({ error: { code: 'interrupted' } });
        expect(status).toBe(130);
        expect(await labels()).toHaveLength(2);
      });
    });

    test.each([
      ['--yes', async (args: readonly string[]) => await answering([...args, '--yes'], [])],
      ['no terminal', (args: readonly string[]) => withoutTerminal(args)],
    ])('%s: it goes without a question, as in a schedule', async (_name, run) => {
      const end = await run([...EXPIRE, '--apply']);
      expect(end.said).toMatch(/removed {4}1 backup$/m);
      expect(end.said).not.toContain('[y/N]');
      expect(end.status).toBe(0);
    });
  });

  describe('about leases', () => {
    const UNLOCK = ['repository', 'unlock', '--repository', 'clear'];
    let repository: Repository;
    let leases: readonly Lease[];

    beforeEach(async () => {
      repository = await openRepository(await openDiskStore(path.join(cwd, 'clear')), { kind: 'none' });
      const acquire = async (name: LeaseName): Promise<Lease> =>
        await acquireLease(repository, SYSTEM, name, { clock: systemClock, log: silentLog, command: `the holder of ${name}` });
      leases = [await acquire('backup'), await acquire('expire')];
      return async () => {
        for (const lease of leases) await lease.release();
        await repository.store.close();
      };
    });

    const states = async (): Promise<readonly unknown[]> =>
      await Promise.all((['backup', 'expire'] as const).map(async (name) => (await readLease(repository.store, SYSTEM, name))?.state));

    test.each([
      [['y\r', 'n\r'], 0, /^clear: broken: backup$/m, ['released', 'held']],
      [['n\r', 'y\r'], 0, /^clear: broken: expire$/m, ['held', 'released']],
      [['y\r', 'y\r'], 0, /^clear: broken: backup, expire$/m, ['released', 'released']],
      [['n\r', 'n\r'], 130, /^error: stopped: nothing was changed$/m, ['held', 'held']],
      [['y\r', CTRL_C], 130, /^error: interrupted at a question$/m, ['held', 'held']],
    ])('%j: each is broken or stays, and what is said is so', async (answers, status, message, after) => {
      const end = await answering(UNLOCK, answers);
      expect(end.said).toMatch(message);
      expect(end.status).toBe(status);
      expect(await states()).toEqual(after);
    });
  });
});
