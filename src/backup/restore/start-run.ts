import net from 'node:net';
import { readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { DbadminError } from '../../base/errors.ts';
import { parseControlFile } from '../../postgres/control-file.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { runProgram, serverPid, startCluster, type ServerPrograms } from '../../postgres/server.ts';
import type { Restored } from './apply.ts';
import { writeText } from './lay-down-apply.ts';
import { syncDirectory } from './marker.ts';

const FIRST_PORT = 55_432;
const PORTS_TRIED = 200;

/** A free TCP port of 127.0.0.1 from 55432 up, where clones live. */
export async function freeClonePort(): Promise<number> {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TRIED; port += 1) if (await isFree(port)) return port;
  throw new DbadminError('refused', `no free port from ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1}`, {
    hint: 'Name one with --port.',
  });
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** What the server says from its start on. */
export function startLog(dataDirectory: string): string {
  return path.join(dataDirectory, 'dbadmin-restore.log');
}

export interface StartOptions {
  readonly restored: Restored;
  readonly programs: ServerPrograms;
  readonly action: 'pause' | 'promote' | 'shutdown';
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** False: the configuration of the recovery stays after it, since the cluster is still in quarantine. */
  readonly settles?: boolean;
}

/** How the started clone stands. */
export type Started = { readonly state: 'open' | 'paused' | 'shut-down'; readonly timeline: number };

/**
 * Starts the restored cluster and waits until it has recovered: open for writing, paused at its target, or shut down
 * there. Once it is open the spooled WAL is removed, and the settings of the recovery with it.
 *
 * @throws {DbadminError} `restore-failed` with the server's last words when recovery ended with an error.
 */
export async function startRestored(options: StartOptions): Promise<Started> {
  const { restored, programs, clock } = options;
  const logFile = startLog(restored.dataDirectory);
  // That of an earlier restore came with the backup, and may say that its recovery has paused.
  await rm(logFile, { force: true });
  if (options.action === 'shutdown') {
    await startCluster(programs, restored.dataDirectory, logFile, options.timeoutSeconds).catch(async (error: unknown) => {
      if ((await stateOf(restored.dataDirectory)).state !== 'shut-down-in-recovery') throw error;
    });
  } else {
    await startCluster(programs, restored.dataDirectory, logFile, options.timeoutSeconds);
  }
  const deadlineMs = clock.now().getTime() + options.timeoutSeconds * 1000;
  for (;;) {
    const { state, timeline } = await stateOf(restored.dataDirectory);
    if (state === 'in-production') {
      if (options.settles !== false) await settleConfiguration(restored);
      await rm(restored.spoolDirectory, { recursive: true, force: true });
      return { state: 'open', timeline };
    }
    if (options.action === 'shutdown' && state === 'shut-down-in-recovery') return { state: 'shut-down', timeline };
    if ((await serverPid(restored.dataDirectory)) === undefined) {
      const log = await readFile(logFile, 'utf8').catch(() => '');
      throw new DbadminError('restore-failed', `recovery in ${restored.dataDirectory} ended with an error`, {
        detail: log.trimEnd().split('\n').slice(-8).join('\n'),
        hint: `The whole log is ${logFile}.`,
      });
    }
    if (options.action === 'pause' && (await isPaused(logFile))) return { state: 'paused', timeline };
    if (clock.now().getTime() > deadlineMs) {
      throw new DbadminError('restore-failed', `recovery in ${restored.dataDirectory} took longer than ${options.timeoutSeconds} s`, {
        detail: `It goes on by itself; its minimum recovery position is ${formatLsn((await stateOf(restored.dataDirectory)).minRecoveryLsn)}.`,
        hint: `Watch ${logFile}.`,
      });
    }
    await clock.sleep(100, options.signal);
  }
}

/** postgresql.auto.conf as it is to stay: without the recovery that is over, and without the quarantine there was. */
export async function settleConfiguration({ dataDirectory, settledAutoConf, owner }: Restored): Promise<void> {
  const file = path.join(dataDirectory, 'postgresql.auto.conf');
  await writeText(`${file}.tmp`, settledAutoConf, owner);
  await rename(`${file}.tmp`, file);
  await syncDirectory(dataDirectory);
  const pid = await serverPid(dataDirectory);
  // A server that runs takes it in: its restore_command led to WAL that is removed now.
  if (pid !== undefined) process.kill(pid, 'SIGHUP');
}

async function stateOf(dataDirectory: string): Promise<ReturnType<typeof parseControlFile>> {
  return parseControlFile(await readFile(path.join(dataDirectory, 'global', 'pg_control')));
}

/** The server says so in its log; asking it by SQL would need a password that a clone may not share. */
async function isPaused(logFile: string): Promise<boolean> {
  return /recovery has paused|pausing at the end of recovery/.test(await readFile(logFile, 'utf8'));
}

/** The version of programs, to refuse another major before anything is written: `17`. */
export async function programsMajor(programs: ServerPrograms): Promise<number> {
  return Number(/(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(await runProgram(programs, 'postgres', ['--version']))?.[1] ?? 0);
}
