import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { quoteIdentifier } from './quote.ts';
import { connectionError } from './connection-error.ts';
import { describeParameters, type ConnectionParameters } from './parameters.ts';
import { hbaLine, refusedAddress } from './pg-hba.ts';

/** The failure to open a replication connection, as ours: what the server refused, and the exact line that would allow it. */
export function replicationRefusal(parameters: ConnectionParameters, error: unknown, encrypted: boolean): DbadminError {
  const message = messageOf(error);
  const detail = `The server refused: FATAL: ${message}`;
  const alter = `ALTER ROLE ${quoteIdentifier(parameters.user)} REPLICATION;`;
  const code = systemCodeOf(error);
  if (code === '28000' && message.includes('pg_hba.conf')) {
    const line = hbaLine({ database: 'replication', user: parameters.user, address: refusedAddress(message), encrypted });
    return new DbadminError('privilege-missing', `role ${parameters.user} may not replicate from ${describeParameters(parameters)}`, {
      detail,
      hint: `Add to pg_hba.conf (SHOW hba_file tells where it is) and reload with SELECT pg_reload_conf():\n  ${line}\nand, as superuser: ${alter}`,
      cause: error,
    });
  }
  if (code === '28000' && message.includes('is not permitted to log in')) {
    return new DbadminError('privilege-missing', `role ${parameters.user} may not log in to ${describeParameters(parameters)}`, {
      detail,
      hint: `As superuser: ALTER ROLE ${quoteIdentifier(parameters.user)} LOGIN REPLICATION;`,
      cause: error,
    });
  }
  if (code === '42501') {
    return new DbadminError('privilege-missing', `role ${parameters.user} may not replicate from ${describeParameters(parameters)}`, {
      detail,
      hint: `As superuser: ${alter}`,
      cause: error,
    });
  }
  if (code === '53300') return noSender(parameters, error, detail);
  if (code === '08P01' || message.includes('unsupported startup parameter')) {
    return new DbadminError('server-unsupported', `${describeParameters(parameters)} does not speak the replication protocol`, {
      detail: `It said: ${message}`,
      hint: 'Connect to PostgreSQL itself, not to a connection pooler; a managed service may offer no physical replication at all.',
      cause: error,
    });
  }
  if (message.includes('client password must be')) {
    return new DbadminError('credentials-wrong', `the server asks for the password of ${parameters.user} and none was given`, {
      hint: 'Give it in the configuration, PGPASSWORD, or the password file (PGPASSFILE, ~/.pgpass).',
      cause: error,
    });
  }
  return connectionError(parameters, error);
}

function noSender(parameters: ConnectionParameters, error: unknown, detail: string): DbadminError {
  const isOff = /max_wal_senders"? \(currently 0\)/.test(messageOf(error));
  return new DbadminError(
    isOff ? 'server-unsupported' : 'connection-failed',
    isOff
      ? `replication is turned off on ${describeParameters(parameters)}`
      : `${describeParameters(parameters)} has no free replication connection`,
    {
      detail,
      hint: isOff
        ? "As superuser: ALTER SYSTEM SET wal_level = 'replica'; ALTER SYSTEM SET max_wal_senders = 10; then restart the server."
        : 'See who holds them in pg_stat_replication, or raise max_wal_senders (needs a restart). A backup needs two, wal receive one and, for moments, another.',
      cause: error,
    },
  );
}
