import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { clientScript } from '../../../src/backup/wal/client-script.ts';
import { openDestination } from '../../../src/backup/wal/destination.ts';
import { serveSocket, type ServedSocket } from '../../../src/backup/wal/socket-serve-run.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { makeSegment } from '../../backup/wal-segment.ts';

const SYSTEM = 7_500_000_000_000_000_001n;
const LIMIT_MS = 20;
const SIZE = 16 * 1024 * 1024;
const nameAt = (n: number): string => segmentName(1, BigInt(n) * BigInt(SIZE), SIZE);
const segmentAt = (n: number, fill = n): Buffer => makeSegment(SYSTEM, BigInt(n) * BigInt(SIZE), SIZE, fill);

let directory: string;
let repository: Repository;
let socketPath: string;
let client: string;
const served: ServedSocket[] = [];

beforeEach(async () => {
  directory = await makeDirectory();
  repository = await makeRepository(path.join(directory, 'repository'));
  await mkdir(path.join(directory, 'run'), { mode: 0o700 });
  socketPath = path.join(directory, 'run', 'wal.sock');
  client = path.join(directory, 'wal-client');
  // What stands for dbadmin says that it was run, with a status that the client must not pass on.
  await writeFile(path.join(directory, 'dbadmin'), `#!/bin/sh\necho "$@" >>${directory}/fallbacks\nexit \${FALLBACK:-130}\n`);
  await chmod(path.join(directory, 'dbadmin'), 0o755);
  const script = clientScript({
    socketPath,
    clusterName: 'main',
    dbadmin: [path.join(directory, 'dbadmin')],
    options: ['--config', 'a b'],
  });
  await writeFile(client, script);
  await chmod(client, 0o755);
});
afterEach(async () => {
  await stopServing();
  await removeDirectory(directory);
});

async function stopServing(): Promise<void> {
  for (const each of served.splice(0)) await each.close();
}

async function serve(): Promise<void> {
  const socket = await serveSocket({
    socketPath,
    push: {
      destinations: [openDestination(repository)],
      clusterName: 'main',
      owner: async () => await Promise.resolve({ systemIdentifier: SYSTEM.toString(), serverVersion: 170_000, walSegmentBytes: SIZE }),
      clock: systemClock,
      log: silentLog,
    },
    fetch: { places: [openDestination(repository)], clusterName: 'main', systemIdentifier: undefined, log: silentLog },
  });
  served.push(socket);
}

/** Runs the client as PostgreSQL does, in the data directory, while this process serves. */
async function run(args: string, env: NodeJS.ProcessEnv = {}): Promise<{ status: number | null; tookMs: number; stderr: string }> {
  const startedAt = process.hrtime.bigint();
  const child = spawn('sh', ['-c', `${client} ${args}`], {
    cwd: directory,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const status = await new Promise<number | null>((resolve) => void child.once('close', resolve));
  return { status, tookMs: Number(process.hrtime.bigint() - startedAt) / 1e6, stderr };
}

async function offer(name: string, bytes: Buffer): Promise<string> {
  await mkdir(path.join(directory, 'pg_wal'), { recursive: true });
  await writeFile(path.join(directory, 'pg_wal', name), bytes);
  return `pg_wal/${name}`;
}

const archive = (): WalArchive => new WalArchive(repository, SYSTEM.toString(), SIZE);
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const hasPerl = spawnSync('perl', ['-e', '1']).status === 0;

test.runIf(hasPerl)('push and get go through the socket, and a push costs less than three bare starts of Node', async () => {
  await serve();
  const costs: number[] = [];
  const starts: number[] = [];
  for (let n = 1; n <= 20; n += 1) {
    // Stored before, as by the stream of the receiver: what is left is the way through client and socket, and the comparison.
    await archive().putSegment(nameAt(n), segmentAt(n), { receivedAt: new Date(), coveredUntil: undefined });
    const { status, tookMs, stderr } = await run(`push ${await offer(nameAt(n), segmentAt(n))}`);
    expect(status, stderr).toBe(0);
    costs.push(tookMs);
    const startedAt = process.hrtime.bigint();
    await new Promise((resolve) => void spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }).once('close', resolve));
    starts.push(Number(process.hrtime.bigint() - startedAt) / 1e6);
  }
  const [push, start] = [median(costs), median(starts)];
  process.stderr.write(
    `median of 20: wal push through the client ${push.toFixed(1)} ms, the bare start of a Node process ${start.toFixed(1)} ms\n`,
  );
  // The figure is for a machine at rest; on one that is busy with other tests both grow together.
  expect(push).toBeLessThan(Math.max(LIMIT_MS, 3 * start));
  expect(await run(`get ${nameAt(3)} pg_wal/RECOVERYXLOG`)).toMatchObject({ status: 0 });
  expect((await readFile(path.join(directory, 'pg_wal', 'RECOVERYXLOG'))).equals(segmentAt(3))).toBe(true);
  // Fetched ahead meanwhile.
  expect(await run(`get ${nameAt(4)} pg_wal/RECOVERYXLOG`)).toMatchObject({ status: 0 });
  expect((await readFile(path.join(directory, 'pg_wal', 'RECOVERYXLOG'))).equals(segmentAt(4))).toBe(true);
  expect(await run(`get ${nameAt(21)} pg_wal/RECOVERYXLOG`)).toMatchObject({ status: 1 });
  expect(await run(`get 00000002.history pg_wal/RECOVERYHISTORY`)).toMatchObject({ status: 1 });
  await repository.store.delete(`${SYSTEM}/wal/00000001/${nameAt(10)}`);
  expect(await run(`get ${nameAt(10)} pg_wal/RECOVERYXLOG`)).toMatchObject({
    status: 126,
    stderr: expect.stringContaining('later segments are'),
  });
  await expect(readFile(path.join(directory, 'fallbacks'))).rejects.toThrow(/ENOENT/);
});

test.runIf(hasPerl)('a segment is stored by a push, and other content under its name is refused', async () => {
  await serve();
  expect(await run(`push ${await offer(nameAt(1), segmentAt(1))}`)).toMatchObject({ status: 0 });
  expect((await archive().readSegment(nameAt(1)))?.equals(segmentAt(1))).toBe(true);
  const other = await run(`push ${await offer(nameAt(1), segmentAt(1, 9))}`);
  expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining('other content') });
});

test('without a socket dbadmin itself is run, and its status never becomes one that PostgreSQL would misread', async () => {
  const file = await offer(nameAt(1), segmentAt(1));
  expect(await run(`push ${file}`)).toMatchObject({ status: 1 });
  expect(await run(`push ${file}`, { FALLBACK: '0' })).toMatchObject({ status: 0 });
  for (const [status, expected] of [
    ['0', 0],
    ['44', 1],
    ['1', 126],
    ['130', 126],
  ] as const) {
    expect(await run(`get ${nameAt(1)} pg_wal/RECOVERYXLOG`, { FALLBACK: status })).toMatchObject({ status: expected });
  }
  expect(await readFile(path.join(directory, 'fallbacks'), 'utf8')).toContain(`wal push ${directory}/${file} --config a b`);
});

test('the socket is its owner’s alone, one process serves it, and what a killed one left is replaced', async () => {
  await serve();
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  await expect(serve()).rejects.toMatchObject({ code: 'locked' });
  await stopServing();
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  expect((await stat(socketPath)).isSocket()).toBe(true);
  await serve();
  await stopServing();
  await chmod(path.dirname(socketPath), 0o777);
  await expect(serve()).rejects.toMatchObject({ code: 'refused' });
});
