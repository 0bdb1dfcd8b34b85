import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../../postgres/address.ts';

const PROGRAM = '/usr/sbin/pgbouncer';

/** Whether PgBouncer is on this machine: the Debian package `pgbouncer`. */
export const hasPgBouncer = existsSync(PROGRAM);

export interface PgBouncer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts PgBouncer before a server that trusts its clients. It refuses to run as root, so it runs as nobody there. */
export async function startPgBouncer(
  host: string,
  port: number,
  mode: 'transaction' | 'session' | 'statement',
  more = '',
): Promise<PgBouncer> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-pgbouncer-'));
  await chmod(directory, 0o755);
  const own = await freePort();
  const users = path.join(directory, 'users.txt');
  await writeFile(users, '"postgres" ""\n');
  const settings = path.join(directory, 'pgbouncer.ini');
  await writeFile(
    settings,
    `[databases]\n* = host=${host} port=${port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${own}\nunix_socket_dir =\nauth_type = trust\nauth_file = ${users}\npool_mode = ${mode}\nignore_startup_parameters = extra_float_digits\nlogfile =\npidfile =\n${more}`,
  );
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(PROGRAM, ['-q', ...user, settings], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await answers(own)) return { port: own, stop };
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`PgBouncer did not start: ${said}`);
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
