import { formatBytes } from '../../base/bytes.ts';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { isServerError } from '../../postgres/postgres-error.ts';
import type { Setting } from '../restore/clone-settings.ts';

/** What a connection that was open says once its server has gone: the library's own, and the system's when it connects anew. */
const CONNECTION_ENDED: ReadonlySet<string> = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
]);

/** What the system says of a lack for which the server has no code, as of a quota, or of memory that it asks for when it starts. */
const LACK = /(?:No space left on device|(?:Disk q|Q)uota exceeded|Cannot allocate memory)$/;
const NO_INPUT = /Input\/output error$/;

/** What this machine lacks for the clone, by an error of its server or of a program that the server ran. Undefined for any other error. */
function lackOf(code: string, text: string): string | undefined {
  // Class 53 is "insufficient resources".
  if (code.startsWith('53') || LACK.test(text)) return 'there is too little room or memory for the clone';
  return code === '58030' || NO_INPUT.test(text) ? 'the disk that the clone lies on does not read or write' : undefined;
}

/** What was done to the clone from outside: errors that say nothing of the backup. Undefined for any other. */
function hindrance(code: string, text: string): string | undefined {
  return lackOf(code, text) ?? (code === '57P01' ? 'somebody ended the clone or a session in it' : undefined);
}

/**
 * A failure of the clone itself, as ours: `restore-failed` for what its server reported or that it has gone, since broken catalogs show in any
 * query, the drill's own included; `refused` for what this machine did to it. Undefined for what is no failure of the clone.
 */
export function cloneError(error: unknown): DbadminError | undefined {
  if (isDbadminError(error, 'connection-failed'))
    return new DbadminError('restore-failed', 'the clone takes no connections', { detail: error.detail, cause: error });
  const code = systemCodeOf(error) ?? '';
  if (isServerError(error)) {
    const detail = `The server says ${code}: ${messageOf(error)}.`;
    const hindered = hindrance(code, messageOf(error));
    if (hindered !== undefined) return new DbadminError('refused', hindered, { detail, cause: error });
    return new DbadminError('restore-failed', 'the clone started and does not answer what it is asked', { detail, cause: error });
  }
  if (!CONNECTION_ENDED.has(code) && !isConnecting(error)) return undefined;
  return new DbadminError('restore-failed', 'the clone ended a connection', { detail: `${messageOf(error)} (${code}).`, cause: error });
}

/** How lines of a drill's clone begin: with the SQLSTATE. What follows in a message of several lines is indented, so that no query looks like one. */
export const CLONE_LOG: readonly Setting[] = [
  ['log_line_prefix', '%e '],
  ['log_error_verbosity', 'default'],
];

const ENDINGS =
  /^\w{5} LOG: {2}(?:.*\(PID \d+\) was terminated by signal (\d+)|(startup process) \(PID \d+\) exited with exit code|received (?:smart|fast|immediate) shutdown request)/;
/** Of the server when it cannot go on; or of the program that brings it the WAL, whose lines have nothing before them. */
const LAST_WORDS = /^(?:(\w{5}) (?:FATAL|PANIC): {2}|cp: )(.*)$/;
/** A session that is refused since there are enough. */
const TOO_MANY = '53300';

/**
 * Who ended the clone or one of its processes from outside, or what this machine had too little of, by the log of its server, which is in English and begins as
 * {@link CLONE_LOG} says; undefined where neither was. The first ending tells: after a process that the backup brought down, by another signal, the server kills
 * those that do not go.
 */
export function endedFromOutside(log: string): DbadminError | undefined {
  for (const line of log.split('\n')) {
    const detail = `Its log says: ${line.trim()}`;
    const [, code = '', text] = LAST_WORDS.exec(line) ?? [];
    const lack = text === undefined || code === TOO_MANY ? undefined : lackOf(code, text);
    if (lack !== undefined) return new DbadminError('refused', lack, { detail });
    const ending = ENDINGS.exec(line);
    if (ending === null) continue;
    const [, signal, startup] = ending;
    if (startup !== undefined || (signal !== undefined && signal !== '9')) return undefined;
    return new DbadminError('refused', 'the clone was ended from outside before the drill was over', {
      detail,
      ...(signal === undefined ? {} : { hint: 'The system ends processes so when memory runs out: its own log says whether it did.' }),
    });
  }
  return undefined;
}

/** Room for two segments of WAL: a server that ends with less left has had too little. */
const LITTLE_BYTES = 32 * 1024 * 1024;

/** That a clone ended where nothing more could be written; undefined where there is room. */
export function fullDisk(directory: string, freeBytes: number): DbadminError | undefined {
  if (freeBytes >= LITTLE_BYTES) return undefined;
  return new DbadminError('refused', 'there is too little room or memory for the clone', {
    detail: `It ended, and ${formatBytes(freeBytes)} are free in ${directory}.`,
    hint: 'Name a place with more room with --scratch.',
  });
}

/** Its socket is gone, say. */
function isConnecting(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'connect';
}
