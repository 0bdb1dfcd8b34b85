import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog, type Log } from '../../../src/base/log.ts';
import { applyRestore, type Restored } from '../../../src/backup/restore/apply.ts';
import { recoverOrStop, type RecoverOptions, type Started } from '../../../src/backup/restore/start-run.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { pgCtlLine } from '../../../src/postgres/pg-ctl-line.ts';
import { serverPid, stopCluster, type ServerPrograms } from '../../../src/postgres/server.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const INTERRUPTION = new DbadminError('interrupted', 'interrupted by SIGTERM');

describe('a recovery that is watched', () => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let port: number;
  /** The segment that the backup begins in, and one that only its recovery past the consistent point asks for. */
  let first: string;
  let later: string;
  const into = (): string => path.join(directory, 'restored');
  const bin = (): string => path.join(directory, 'bin');
  const held = (): string => path.join(bin(), 'held');
  const released = (): string => path.join(bin(), 'released');
  const controlFile = (): string => path.join(into(), 'global', 'pg_control');
  const programs = (): ServerPrograms => {
    if (cluster.programs === undefined) throw new Error('the embedded cluster has programs');
    return cluster.programs;
  };
  const sales = async (): Promise<unknown> => {
    const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
    try {
      const [row] = await sql`select array_agg(n order by n) as sales, pg_is_in_recovery() as recovers from sale`;
      return row;
    } finally {
      await sql.end();
    }
  };
  const isOpen = async (): Promise<void> =>
    await expect
      .poll(async () => await sales().catch(() => undefined), { timeout: 30_000 })
      .toMatchObject({ sales: [1, 2], recovers: false });

  /** Recovery waits for `segment` until {@link release}. */
  async function hold(segment: string): Promise<void> {
    for (const each of [held(), released()]) await rm(each, { force: true });
    // The restore_command of a recovery copies with the cp that it finds first.
    const wait = `: >'${held()}'; until [ -e '${released()}' ]; do sleep 0.1; done`;
    await writeFile(path.join(bin(), 'cp'), `#!/bin/sh\ncase "$1" in */${segment}) ${wait};; esac\nexec /bin/cp "$@"\n`);
    await chmod(path.join(bin(), 'cp'), 0o755);
  }
  const release = async (): Promise<void> => await writeFile(released(), '');

  async function layDown(): Promise<Restored> {
    return await applyRestore({
      preflight: await preflightOf(repository, into()),
      port,
      clusterName: 'restored',
      action: 'promote',
      programs: programs(),
      owner: programs().runAs,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
  }

  async function recover(restored: Restored, more: Partial<RecoverOptions> = {}): Promise<Started> {
    const { signal } = new AbortController();
    const timeoutSeconds = 24 * 3600;
    return await recoverOrStop({
      restored,
      programs: programs(),
      action: 'promote',
      timeoutSeconds,
      clock: systemClock,
      signal,
      log: silentLog,
      ...more,
    });
  }

  /** `work` is done before each pause between two looks at the recovery. */
  function clockThat(work: (pause: number) => Promise<void>): Clock {
    let pause = 0;
    return {
      now: () => systemClock.now(),
      sleep: async (delayMs, signal) => {
        pause += 1;
        await work(pause);
        await systemClock.sleep(delayMs, signal);
      },
    };
  }

  /** As if it was read while it was written. */
  async function tearControlFile(): Promise<void> {
    const bytes = await readFile(controlFile());
    bytes.writeUInt8(bytes.readUInt8(40) ^ 0xff, 40);
    await writeFile(controlFile(), bytes);
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    await mkdir(bin());
    // The server's user makes files in it.
    await chmod(bin(), 0o777);
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    repository = await makeRepository(path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table sale (n int); insert into sale values (1)');
    const receiver = startReceiver(cluster, repository);
    const { startLsn } = await backUp(cluster, repository);
    await sql.unsafe('insert into sale values (2)');
    const [row] = await sql<{ first: string; later: string; lsn: string }[]>`
      select pg_walfile_name(${startLsn}::pg_lsn) as first, pg_walfile_name(pg_current_wal_lsn()) as later, pg_current_wal_lsn()::text as lsn`;
    [first, later] = [row?.first ?? '', row?.later ?? ''];
    expect(later > first).toBe(true);
    await waitUntilStored(repository, parseLsn(row?.lsn ?? ''));
    await receiver.stop();
    await sql.end();
    vi.stubEnv('PATH', `${bin()}:${process.env['PATH'] ?? ''}`);
  });
  beforeEach(async () => {
    port = await freePort();
  });
  afterEach(async () => {
    await release();
    await stopCluster(programs(), into(), 'immediate');
    for (const each of [into(), `${into()}.wal`]) await removeDirectory(each);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('that is interrupted says so, and how to go on, where the server is gone before anybody looks', async () => {
    // A pg_ctl that passes the interruption on as the server's own does, and ends when the server has.
    const end = 'read pid <"$pidFile"; kill -INT "$pid"; while kill -0 "$pid" 2>&-; do sleep 0.1; done; exit 1';
    const text = `#!/bin/sh\npidFile='${into()}/postmaster.pid'\ntrap '${end}' INT\n'${programs().binDirectory}/pg_ctl' "$@" &\nwait $!\n`;
    await writeFile(path.join(bin(), 'pg_ctl'), text);
    await chmod(path.join(bin(), 'pg_ctl'), 0o755);
    await hold(first);
    const restored = await layDown();
    const controller = new AbortController();
    const wrapped = { ...programs(), binDirectory: bin() };
    const recovery = recover(restored, { signal: controller.signal, programs: wrapped });
    void expect
      .poll(() => existsSync(held()), { timeout: 30_000 })
      .toBe(true)
      .then(() => controller.abort(INTERRUPTION));
    await expect(recovery).rejects.toMatchObject({
      code: 'interrupted',
      message: 'interrupted by SIGTERM',
      detail: 'The server was stopped: without anybody waiting it would have gone on, and opened by itself.',
      hint: `${pgCtlLine(wrapped, into(), 'start')} goes on with its recovery, and opens it. To begin anew: --delta.`,
    });
    expect(await serverPid(into())).toBeUndefined();
  });

  test('for longer than was to be waited goes on, and is said to', async () => {
    await hold(later);
    let pastMs = 0;
    const clock: Clock = {
      now: () => new Date(Date.now() + pastMs),
      sleep: async (delayMs, signal) => {
        pastMs = 25 * 3_600_000;
        await systemClock.sleep(delayMs, signal);
      },
    };
    await expect(recover(await layDown(), { clock })).rejects.toMatchObject({
      code: 'restore-failed',
      message: `recovery in ${into()} took longer than 86400 s`,
      detail: expect.stringContaining('Its server runs on, and opens by itself once its recovery is over.') as unknown,
      hint: expect.stringContaining(`To stop it: ${pgCtlLine(programs(), into(), 'stop -m fast')}`) as unknown,
    });
    await release();
    await isOpen();
  });

  test('goes on where pg_control was read while it was written', async () => {
    await hold(later);
    let sound = Buffer.alloc(0);
    const clock = clockThat(async (pause) => {
      if (pause === 1) {
        sound = await readFile(controlFile());
        await tearControlFile();
      }
      if (pause === 4) await writeFile(controlFile(), sound);
      if (pause === 6) await release();
    });
    expect(await recover(await layDown(), { clock })).toMatchObject({ state: 'open' });
    await isOpen();
  });

  test('is not stopped where pg_control stays damaged, and is said to run on', async () => {
    await hold(later);
    const restored = await layDown();
    const clock = clockThat(async (pause) => (pause === 1 ? await tearControlFile() : undefined));
    await expect(recover(restored, { clock })).rejects.toMatchObject({
      code: 'file-unreadable',
      detail: expect.stringMatching(/Its checksum is wrong\.\nIts server runs on/) as unknown,
    });
    expect(await serverPid(into())).toBeDefined();
  });

  test('is not stopped by an interruption that comes when the cluster is open', async () => {
    await hold(later);
    const controller = new AbortController();
    const clock = clockThat(async (pause) => {
      if (pause > 1) return;
      await release();
      await isOpen();
      controller.abort(INTERRUPTION);
    });
    expect(await recover(await layDown(), { clock, signal: controller.signal })).toMatchObject({ state: 'open' });
    await isOpen();
    expect(existsSync(`${into()}.wal`)).toBe(false);
  });

  test.each([
    {
      what: 'its configuration',
      expected: /is open, but its postgresql\.auto\.conf is still that of its recovery \(cannot write .*EISDIR/,
    },
    { what: 'the WAL for it', expected: /the WAL for the recovery of .* could not be removed \(ENOTDIR/ },
  ])('leaves a cluster open where $what cannot be put away, and warns', async ({ what, expected }) => {
    await hold('none');
    const restored = await layDown();
    let spoolDirectory = restored.spoolDirectory;
    if (what === 'the WAL for it') spoolDirectory = path.join(into(), 'PG_VERSION', 'wal');
    else await mkdir(path.join(into(), 'postgresql.auto.conf.tmp'));
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
    expect(await recover({ ...restored, spoolDirectory }, { log })).toMatchObject({ state: 'open' });
    expect(warnings).toEqual([expect.stringMatching(expected)]);
    await isOpen();
  });
});
