import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { describeParameters, type ConnectionParameters } from './parameters.ts';
import { tlsFailureHint } from './tls.ts';

/** The failure to connect, as ours: which server, what it said and what to do. */
export function connectionError(parameters: ConnectionParameters, error: unknown): DbadminError {
  const code = systemCodeOf(error);
  const detail = messageOf(error) === '' ? code : messageOf(error);
  if (code === '28P01' || code === '28000') {
    return new DbadminError('credentials-wrong', `the server refused user ${parameters.user}`, {
      detail,
      hint:
        code === '28P01'
          ? 'Check the password: it is read from the configuration, PGPASSWORD, or the password file (PGPASSFILE, ~/.pgpass).'
          : "Check the user name and the server's pg_hba.conf.",
      cause: error,
    });
  }
  if (code === '3D000') {
    return new DbadminError('connection-failed', `database ${parameters.database} does not exist`, {
      detail,
      hint: 'Create it first: CREATE DATABASE; or name another, in the URL or wherever the connection comes from.',
      cause: error,
    });
  }
  return new DbadminError('connection-failed', `cannot connect to ${describeParameters(parameters)}`, {
    detail,
    hint: tlsFailureHint(parameters, error) ?? 'Check that the server runs and listens there, and that nothing between blocks the port.',
    cause: error,
  });
}

/** Whether a failure says that the database cannot be reached, now or any more, rather than that it refused something. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof DbadminError) return error.code === 'connection-failed';
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  // Class 08 is connection exceptions, 57P01 to 57P03 a server that is stopped or starts; those of letters are the system's and
  // those of the library of openClient; without a code it is the pool's own.
  return (
    /^(?:08|57P0|53300|25006|E[A-Z]+$|CONNECTION_)/.test(code) ||
    (code === '' && /timeout|terminated|Connection|socket|not queryable/.test(messageOf(error)))
  );
}
