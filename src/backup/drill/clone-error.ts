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

/**
 * A failure of the clone itself, as ours: `restore-failed` for what its server reported or that it has gone, since broken catalogs show in any
 * query, the drill's own included; `refused` where this machine gave it too little room or memory. Undefined for what is no failure of the clone.
 */
export function cloneError(error: unknown): DbadminError | undefined {
  if (isDbadminError(error, 'connection-failed'))
    return new DbadminError('restore-failed', 'the clone takes no connections', { detail: error.detail, cause: error });
  const code = systemCodeOf(error) ?? '';
  if (isServerError(error)) {
    const detail = `The server says ${code}: ${messageOf(error)}.`;
    // Class 53 is "insufficient resources".
    if (code.startsWith('53'))
      return new DbadminError('refused', 'there is too little room or memory for the clone', { detail, cause: error });
    return new DbadminError('restore-failed', 'the clone started and does not answer what it is asked', { detail, cause: error });
  }
  if (!CONNECTION_ENDED.has(code) && !isConnecting(error)) return undefined;
  return new DbadminError('restore-failed', 'the clone ended a connection', { detail: `${messageOf(error)} (${code}).`, cause: error });
}

/** Its socket is gone, say. */
function isConnecting(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'connect';
}
