import net from 'node:net';
import { readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, reasonOf, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { parseControlFile, type ControlFile } from '../../postgres/control-file.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { pgCtlLine } from '../../postgres/pg-ctl-line.ts';
import { LONGEST_WAIT_SECONDS, runProgram, serverPid, startCluster, stopCluster, type ServerPrograms } from '../../postgres/server.ts';
import { configurationBytes } from '../configuration-text.ts';
import type { Restored } from './apply.ts';
import { writeText } from './lay-down-apply.ts';
import { syncDirectory } from './marker.ts';
import { isPaused } from './paused-inspect.ts';

const FIRST_PORT = 55_432;
const PORTS_TRIED = 200;

/** A free TCP port of 127.0.0.1 from 55432 up, where clones live. */
export async function freeClonePort(): Promise<number> {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TRIED; port += 1) if (await isFree(port)) return port;
  throw new DbadminError('refused', `no free port from ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1}`, {
    hint: 'Name one with --port.',
  });
}

/**
 * Whoever named a port is told that a server has it before anything is laid down.
 *
 * @throws {DbadminError} `refused`.
 */
export async function requireFreePort(port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new DbadminError('refused', `port ${port} of 127.0.0.1 is in use, or not for this user to listen on`, {
    hint: 'Name another one with --port, or none: a free one is found.',
  });
}

/**
 * A production has the port of its configuration, which on a new machine may be that of a cluster which the package made.
 * `listenAddresses` is the setting's text. An address that is not this machine's is not looked at.
 *
 * @throws {DbadminError} `refused` when somebody listens there.
 */
export async function requireFreeProductionPort(port: number, listenAddresses: string): Promise<void> {
  for (const each of listenAddresses.split(',').map((address) => address.trim())) {
    const address = each === '*' ? '0.0.0.0' : each === 'localhost' ? '127.0.0.1' : each;
    if (address === '' || (await listenFailure(port, address)) !== 'EADDRINUSE') continue;
    throw new DbadminError(
      'refused',
      `port ${port} of ${address} is in use on this machine, and the restored production is to listen there`,
      {
        detail: 'What listens may be a cluster that the installation of PostgreSQL made. Nothing was laid down.',
        hint: 'Stop what listens there and restore again; or restore without --start, and start the cluster once the port is free.',
      },
    );
  }
}

async function isFree(port: number): Promise<boolean> {
  return (await listenFailure(port, '127.0.0.1')) === undefined;
}

/** What the system says to whoever would listen there, or undefined. */
async function listenFailure(port: number, address: string): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', (error) => resolve(systemCodeOf(error) ?? error.message));
    server.listen(port, address, () => server.close(() => resolve(undefined)));
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
 * there. Once it is open the spooled WAL is removed, and the settings of the recovery with it. When it throws, the server may
 * still run: to end it is the caller's, or {@link recoverOrStop} does.
 *
 * @throws {DbadminError} `restore-failed` with the server's last words when recovery ended with an error; `interrupted`.
 */
export async function startRestored(options: StartOptions): Promise<Started> {
  const started = await startAndWait(options);
  if (started.state !== 'open') return started;
  if (options.settles !== false) await settleConfiguration(options.restored);
  await rm(options.restored.spoolDirectory, { recursive: true, force: true });
  return started;
}

async function startAndWait(options: StartOptions): Promise<Started> {
  const { restored, programs, clock, timeoutSeconds, signal } = options;
  const { dataDirectory } = restored;
  const logFile = startLog(dataDirectory);
  // That of an earlier restore came with the backup, and may say that its recovery has paused.
  await rm(logFile, { force: true });
  if (options.action === 'shutdown') {
    await startCluster(programs, dataDirectory, logFile, timeoutSeconds, signal).catch(async (error: unknown) => {
      // One that was told to end before its target looks the same.
      signal.throwIfAborted();
      if ((await stateOf(dataDirectory, clock)).state !== 'shut-down-in-recovery') throw error;
    });
  } else {
    await startCluster(programs, dataDirectory, logFile, timeoutSeconds, signal);
  }
  const deadlineMs = clock.now().getTime() + timeoutSeconds * 1000;
  for (;;) {
    const { state, timeline, minRecoveryLsn } = await stateOf(dataDirectory, clock);
    if (state === 'in-production') {
      // In quarantine it is open to nobody yet.
      if (options.settles === false) signal.throwIfAborted();
      return { state: 'open', timeline };
    }
    if (options.action === 'shutdown' && state === 'shut-down-in-recovery') return { state: 'shut-down', timeline };
    if ((await serverPid(dataDirectory)) === undefined) {
      const log = await readFile(logFile, 'utf8').catch(() => '');
      throw new DbadminError('restore-failed', `recovery in ${dataDirectory} ended with an error`, {
        detail: log.trimEnd().split('\n').slice(-8).join('\n'),
        hint: `The whole log is ${logFile}.`,
      });
    }
    if (options.action === 'pause' && (await isPaused(dataDirectory, logFile))) return { state: 'paused', timeline };
    signal.throwIfAborted();
    if (clock.now().getTime() > deadlineMs) {
      throw new DbadminError('restore-failed', `recovery in ${dataDirectory} took longer than ${timeoutSeconds} s`, {
        detail: `Its minimum recovery position is ${formatLsn(minRecoveryLsn)}.`,
        hint: `Its log is ${logFile}.`,
      });
    }
    // Interrupted, it is looked at once more: one that has opened meanwhile is not stopped any more.
    await clock.sleep(100, signal).catch(() => undefined);
  }
}

export interface RecoverOptions extends StartOptions {
  readonly log: Log;
}

/**
 * {@link startRestored} for a cluster that stays. Interrupted, its server is stopped: nobody waits, and it would go on alone and open,
 * when the original may be back, or what came back from the past has yet to be taken away. For no other reason is it stopped, and
 * never once it is open; what cannot be put away then is warned of.
 *
 * @throws {DbadminError} as {@link startRestored}, with how the server stands.
 */
export async function recoverOrStop(options: RecoverOptions): Promise<Started> {
  options.signal.throwIfAborted();
  const started = await startAndWait(options).catch(async (error: unknown) => {
    const told = await withServer(options, error);
    await logAsBefore(options);
    throw told;
  });
  if (started.state === 'open') await putAway(options);
  if (started.state === 'paused') await logAsBefore(options);
  return started;
}

/** `error` with how the server stands after it. */
async function withServer(options: RecoverOptions, error: unknown): Promise<unknown> {
  const { restored, signal } = options;
  const runs = (await serverPid(restored.dataDirectory)) !== undefined;
  // pg_ctl has told a server to end that it still waited for: it may be gone before anybody looks.
  const isInterrupted = signal.aborted && (runs || error === signal.reason);
  if (!runs && !isInterrupted) return error instanceof DbadminError ? withStanding(error, startsLater(options), error) : error;
  const stands = isInterrupted ? await stopRecovering(options) : runsOn(options);
  return withStanding(error instanceof DbadminError ? error : unwatched(restored, error), stands, error);
}

/** `failure` with how the server stands after it. */
export function withStanding(failure: DbadminError, stands: Stands, cause: unknown): DbadminError {
  const detail = [failure.detail, stands.detail].filter((text) => text !== undefined).join('\n');
  const hint = [failure.hint, stands.hint].filter((text) => text !== undefined).join('\n');
  return new DbadminError(failure.code, failure.message, { detail, hint, cause });
}

function unwatched({ dataDirectory }: Restored, error: unknown): DbadminError {
  return new DbadminError('restore-failed', `the recovery in ${dataDirectory} could not be watched`, { detail: `${reasonOf(error)}.` });
}

/** Sentences. */
export interface Stands {
  readonly detail: string | undefined;
  readonly hint: string | undefined;
}

function runsOn({ restored: { dataDirectory }, programs, settles, action }: StartOptions): Stands {
  const stop = pgCtlLine(programs, dataDirectory, 'stop -m fast');
  if (settles === false)
    return {
      detail: 'Its server runs on in quarantine: nobody is let in, and nothing that came back is taken away.',
      hint: `Stop it, and restore again, with --delta: ${stop}`,
    };
  const end = action === 'promote' ? ', and opens by itself once its recovery is over' : ' with its recovery';
  return { detail: `Its server runs on${end}.`, hint: `Its log is ${startLog(dataDirectory)}. To stop it: ${stop}` };
}

/** All is laid down, and the server's own log says what it lacks: a directory, memory, a file that it may not read. */
function startsLater({ restored: { dataDirectory }, programs, settles, action }: StartOptions): Stands {
  const anew = 'restore again, with --delta';
  if (settles === false) return { detail: undefined, hint: `When what it says is mended, ${anew}.` };
  const then = `goes on with its recovery${action === 'promote' ? ', and opens it' : ''}`;
  return {
    detail: undefined,
    hint: `When what it says is mended, ${pgCtlLine(programs, dataDirectory, 'start')} ${then}. To begin anew: ${anew}.`,
  };
}

async function stopRecovering({ restored, programs, settles, action, clock, log }: RecoverOptions): Promise<Stands> {
  const { dataDirectory } = restored;
  const opens = action === 'promote';
  if ((await serverPid(dataDirectory)) !== undefined)
    log.info(`stopping the server in ${dataDirectory}: it writes what it holds in memory first, which may take minutes`);
  try {
    // Fast: it is at a restart point then, from which its recovery goes on.
    await stopCluster(programs, dataDirectory, 'fast', LONGEST_WAIT_SECONDS);
  } catch (error) {
    return {
      detail: `Its server may run on${opens ? ', and open by itself' : ''}: whether it stops is not known (${reasonOf(error)}).`,
      hint: `Stop it: ${pgCtlLine(programs, dataDirectory, 'stop -m fast')}`,
    };
  }
  const control = await stateOf(dataDirectory, clock).catch(() => undefined);
  const isOver = control?.state === 'shut-down';
  const detail = isOver
    ? 'Its recovery was over; the server was stopped.'
    : `The server was stopped: without anybody waiting it would have gone on${opens ? ', and opened by itself' : ''}.`;
  if (settles === false)
    return { detail, hint: 'It does not start as it is, for nothing that came back was taken away. Restore again, with --delta.' };
  const then = isOver ? 'opens it' : `goes on with its recovery${opens ? ', and opens it' : ''}`;
  return { detail, hint: `${pgCtlLine(programs, dataDirectory, 'start')} ${then}. To begin anew: --delta.` };
}

/** What was only for the recovery of a cluster that is open now. */
async function putAway({ restored, settles, log }: RecoverOptions): Promise<void> {
  const { dataDirectory, spoolDirectory } = restored;
  try {
    if (settles !== false) await settleConfiguration(restored);
  } catch (error) {
    log.warn(
      `the cluster in ${dataDirectory} is open, but its postgresql.auto.conf is still that of its recovery (${reasonOf(error)}): take out the recovery_target ` +
        `settings and what restore_command reads in ${spoolDirectory}, then remove that directory`,
    );
    return;
  }
  await removeSpool(restored, log);
}

/** Once nobody waits for its pause a production logs as it always did: it may open from there without anybody's looking at its configuration. */
async function logAsBefore({ restored, log }: RecoverOptions): Promise<void> {
  if (restored.pausedAutoConf === undefined) return;
  await rewriteAutoConf(restored, restored.pausedAutoConf).catch((error: unknown) => {
    log.warn(
      `the postgresql.auto.conf in ${restored.dataDirectory} still has lc_messages, log_min_messages or log_destination as its recovery was watched with (${reasonOf(error)}): take them out`,
    );
  });
}

/** The WAL that was laid down for the recovery. What is left of it harms nobody. */
export async function removeSpool({ dataDirectory, spoolDirectory }: Restored, log: Log): Promise<void> {
  await rm(spoolDirectory, { recursive: true, force: true }).catch((error: unknown) => {
    log.warn(`the WAL for the recovery of ${dataDirectory} could not be removed (${reasonOf(error)}): remove ${spoolDirectory}`);
  });
}

/** postgresql.auto.conf as it is to stay: without the recovery that is over, and without the quarantine there was. */
export async function settleConfiguration(restored: Restored): Promise<void> {
  await rewriteAutoConf(restored, restored.settledAutoConf);
}

async function rewriteAutoConf({ dataDirectory, owner }: Restored, text: string): Promise<void> {
  const file = path.join(dataDirectory, 'postgresql.auto.conf');
  await writeText(`${file}.tmp`, configurationBytes(text), owner);
  await rename(`${file}.tmp`, file);
  await syncDirectory(dataDirectory);
  const pid = await serverPid(dataDirectory);
  // A server that runs takes it in: once it is settled, its restore_command led to WAL that is removed now.
  if (pid !== undefined) process.kill(pid, 'SIGHUP');
}

const CONTROL_READS = 10;

/** From pg_control, which a server that runs may be writing while it is read: what cannot be trusted is read again. */
async function stateOf(dataDirectory: string, clock: Clock): Promise<ControlFile> {
  for (let reads = 1; ; reads += 1) {
    try {
      return parseControlFile(await readFile(path.join(dataDirectory, 'global', 'pg_control')));
    } catch (error) {
      if (!(error instanceof DbadminError) || error.code !== 'file-unreadable' || reads >= CONTROL_READS) throw error;
    }
    await clock.sleep(100);
  }
}

/** The version of programs, to refuse another major before anything is written: `17`. */
export async function programsMajor(programs: ServerPrograms): Promise<number> {
  return Number(/(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(await runProgram(programs, 'postgres', ['--version']))?.[1] ?? 0);
}
