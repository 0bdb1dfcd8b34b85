import { spawn, type ChildProcess } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findServer } from '../../../src/postgres/server-traces.ts';

describe('whom postmaster.pid names, after a crash', () => {
  let directory: string;
  let dataDirectory: string;
  const started: ChildProcess[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-traces-'));
    dataDirectory = path.join(directory, 'data');
    await mkdir(dataDirectory);
  });
  afterEach(async () => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  const leave = async (pid: number): Promise<void> => await writeFile(path.join(dataDirectory, 'postmaster.pid'), `${pid}\n`);

  /** A process that does nothing, under that name. */
  async function runAs(name: string, cwd: string): Promise<number> {
    await copyFile('/bin/sleep', path.join(directory, name));
    const child = spawn(path.join(directory, name), ['60'], { cwd, stdio: 'ignore' });
    started.push(child);
    await new Promise((resolve) => child.once('spawn', resolve));
    return child.pid ?? 0;
  }

  test.each([
    ['this process, as in a container where both were the first', () => process.pid],
    ['the one that started this', () => process.ppid],
    ['another program, which has the number now', async () => await runAs('shell', directory)],
  ])('no server: %s', async (_, find) => {
    await leave(await find());
    expect(await findServer(dataDirectory)).toBeUndefined();
  });

  test.each([
    ['a PostgreSQL server', 'postgres', () => directory],
    ['a server under another name, at work in the directory', 'database', () => dataDirectory],
  ])('a server: %s', async (_, name, cwd) => {
    const pid = await runAs(name, cwd());
    await leave(pid);
    expect(await findServer(dataDirectory)).toEqual({ kind: 'postmaster', pid });
  });
});
