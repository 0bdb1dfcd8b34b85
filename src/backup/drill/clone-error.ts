import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { isServerError } from '../../postgres/postgres-error.ts';

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

/** What was done to the clone from outside: errors that say nothing of the backup. Undefined for any other. */
function hindrance(code: string): string | undefined {
  // Class 53 is "insufficient resources".
  if (code.startsWith('53')) return 'there is too little room or memory for the clone';
  if (code === '58030') return 'the disk that the clone lies on does not read or write';
  return code === '57P01' ? 'somebody ended the clone or a session in it' : undefined;
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
    const hindered = hindrance(code);
    if (hindered !== undefined) return new DbadminError('refused', hindered, { detail, cause: error });
    return new DbadminError('restore-failed', 'the clone started and does not answer what it is asked', { detail, cause: error });
  }
  if (!CONNECTION_ENDED.has(code) && !isConnecting(error)) return undefined;
  return new DbadminError('restore-failed', 'the clone ended a connection', { detail: `${messageOf(error)} (${code}).`, cause: error });
}

const ENDINGS = /LOG: {2}(?:.*\(PID \d+\) was terminated by signal (\d+)|received (?:smart|fast|immediate) shutdown request)/;

/**
 * Who ended the clone or one of its processes from outside, by the log of its server, which is in English; undefined where nobody did. The first ending tells: after a
 * process that the backup brought down, by another signal, the server kills those that do not go.
 */
export function endedFromOutside(log: string): DbadminError | undefined {
  const line = log.split('\n').find((each) => ENDINGS.test(each));
  const signal = line === undefined ? undefined : ENDINGS.exec(line)?.[1];
  if (line === undefined || (signal !== undefined && signal !== '9')) return undefined;
  return new DbadminError('refused', 'the clone was ended from outside before the drill was over', {
    detail: `Its log says: ${line.trim()}`,
    ...(signal === undefined ? {} : { hint: 'The system ends processes so when memory runs out: its own log says whether it did.' }),
  });
}

/** Its socket is gone, say. */
function isConnecting(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'connect';
}
