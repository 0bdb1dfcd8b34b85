import { spawn } from 'node:child_process';
import { chown, open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError } from '../base/errors.ts';
import { isRunning } from '../base/processes.ts';
import { makeDirectories } from '../base/make-directories.ts';

/** PostgreSQL's server programs of one major, and whom to run them as. */
export interface ServerPrograms {
  readonly major: number;
  /** Directory of `initdb`, `pg_ctl` and `postgres`, readable by the user who runs them. */
  readonly binDirectory: string;
  /** Set when this process is root: PostgreSQL refuses to run as root. */
  readonly runAs: SystemUser | undefined;
}

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface InitClusterOptions {
  readonly superuser?: string;
  /** Password of the superuser; local connections are trusted without one. */
  readonly password?: string;
  readonly checksums?: boolean;
  readonly walSegmentMegabytes?: number;
  /** More arguments of initdb. */
  readonly initdbArguments?: readonly string[];
}

const START_TIMEOUT_SECONDS = 120;
const STOP_TIMEOUT_SECONDS = 60;
/** Three years, for a start or stop that takes what it takes: pg_ctl counts tenths of a second in 31 bits. */
export const LONGEST_WAIT_SECONDS = 100_000_000;

/** The user who is to own data directories and run servers: undefined unless we are root; `postgres` where it exists, else `nobody`. */
export async function unprivilegedUser(names: readonly string[] = ['postgres', 'nobody']): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of names) {
    const entry = entries.find((fields) => fields[0] === name);
    if (entry !== undefined) return { name, uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new DbadminError('refused', 'PostgreSQL does not run as root and there is no other user to run it as', {
    detail: `Looked in /etc/passwd for ${names.join(' and ')}.`,
    hint: 'Run dbadmin as an ordinary user, or create one named postgres.',
  });
}

/** Makes a directory that the server's user owns, mode 0700. Fine when it exists. */
export async function makeServerDirectory(programs: ServerPrograms, directory: string): Promise<void> {
  await makeDirectories(directory, 0o700);
  if (programs.runAs !== undefined) await chown(directory, programs.runAs.uid, programs.runAs.gid);
}

/** Creates a cluster in `dataDirectory`, which must be empty or absent. UTF8, locale C, superuser `postgres`. */
export async function initCluster(programs: ServerPrograms, dataDirectory: string, options: InitClusterOptions = {}): Promise<void> {
  await makeServerDirectory(programs, dataDirectory);
  const superuser = options.superuser ?? 'postgres';
  const passwordFile =
    options.password === undefined ? undefined : path.join(path.dirname(dataDirectory), `.${path.basename(dataDirectory)}.pw`);
  if (passwordFile !== undefined) {
    await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
    if (programs.runAs !== undefined) await chown(passwordFile, programs.runAs.uid, programs.runAs.gid);
  }
  try {
    await runProgram(programs, 'initdb', [
      '-D',
      dataDirectory,
      '-U',
      superuser,
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
      ...(passwordFile === undefined ? ['-A', 'trust'] : ['-A', 'scram-sha-256', `--pwfile=${passwordFile}`]),
      ...(options.checksums === false ? (programs.major >= 18 ? ['--no-data-checksums'] : []) : ['--data-checksums']),
      ...(options.walSegmentMegabytes === undefined ? [] : [`--wal-segsize=${options.walSegmentMegabytes}`]),
      ...(options.initdbArguments ?? []),
    ]);
  } finally {
    if (passwordFile !== undefined) await rm(passwordFile, { force: true });
  }
}

/**
 * Starts the cluster and returns once it accepts connections; with recovery targets that pause, once it is consistent.
 * The server's messages go to `logFile`; it goes on when this process ends. One that is still starting when `signal` aborts is
 * told to end, and may take a while to.
 *
 * @throws {DbadminError} `program-failed` with the log's last lines; the signal's reason.
 */
export async function startCluster(
  programs: ServerPrograms,
  dataDirectory: string,
  logFile: string,
  timeoutSeconds = START_TIMEOUT_SECONDS,
  signal?: AbortSignal,
): Promise<void> {
  const log = await open(logFile, 'a', 0o600);
  try {
    if (programs.runAs !== undefined) await log.chown(programs.runAs.uid, programs.runAs.gid);
  } finally {
    await log.close();
  }
  try {
    await runProgram(programs, 'pg_ctl', ['start', '-D', dataDirectory, '-l', logFile, '-w', '-t', String(timeoutSeconds), '-s'], signal);
  } catch (error) {
    signal?.throwIfAborted();
    const lines = (await readFile(logFile, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-12);
    throw new DbadminError('program-failed', `the server in ${dataDirectory} did not start`, {
      detail: lines.join('\n'),
      hint: `The whole log is ${logFile}.`,
      cause: error,
    });
  }
}

/**
 * Stops the cluster. `immediate` is the crash that recovery undoes; `fast` is clean, and writes everything that the server holds in
 * memory first, which may take minutes. A stopped cluster is fine.
 */
export async function stopCluster(
  programs: ServerPrograms,
  dataDirectory: string,
  mode: 'fast' | 'immediate' = 'fast',
  timeoutSeconds = STOP_TIMEOUT_SECONDS,
): Promise<void> {
  if ((await serverPid(dataDirectory)) === undefined) return;
  try {
    await runProgram(programs, 'pg_ctl', ['stop', '-D', dataDirectory, '-m', mode, '-w', '-t', String(timeoutSeconds), '-s']);
  } catch (error) {
    // One that was about to end is gone before it could be told to.
    if ((await serverPid(dataDirectory)) !== undefined) throw error;
  }
}

/** The postmaster's process id from `postmaster.pid`, or undefined when there is no such file or it does not run. */
export async function serverPid(dataDirectory: string): Promise<number | undefined> {
  const text = await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n', 1)[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return (await isRunning(pid)) ? pid : undefined;
}

/**
 * Runs one server program to its end and gives what it printed. When `signal` aborts it is sent SIGINT, at which pg_ctl tells a
 * server that it is waiting for to end.
 *
 * @throws {DbadminError} `program-failed` with its stderr.
 */
export async function runProgram(programs: ServerPrograms, name: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  const file = path.join(programs.binDirectory, name);
  return await new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', LANG: 'C', TZ: process.env['TZ'] },
      ...(programs.runAs === undefined ? {} : { uid: programs.runAs.uid, gid: programs.runAs.gid }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const interrupt = (): void => void child.kill('SIGINT');
    signal?.addEventListener('abort', interrupt, { once: true });
    child.on('error', (error) => {
      signal?.removeEventListener('abort', interrupt);
      reject(new DbadminError('program-missing', `cannot run ${file}`, { detail: error.message, cause: error }));
    });
    // 'exit', not 'close': the server that pg_ctl started keeps the pipes open.
    child.on('exit', (status, killedBy) => {
      signal?.removeEventListener('abort', interrupt);
      if (status === 0) return resolve(stdout);
      const detail = `${stderr}${stdout}`.trim();
      return reject(new DbadminError('program-failed', `${name} ended with ${killedBy ?? `status ${status}`}`, { detail }));
    });
  });
}
