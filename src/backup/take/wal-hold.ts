import { randomBytes } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';

/** A temporary slot, and the connection that it goes with. */
export interface WalHold {
  readonly connection: ReplicationConnection;
  readonly slot: string;
}

/** From now on the server keeps the WAL since its last checkpoint, for as long as the connection lives. */
export async function holdWal(parameters: ConnectionParameters, signal?: AbortSignal): Promise<WalHold> {
  const connection = await ReplicationConnection.open(parameters, { applicationName: 'dbadmin backup wal', signal });
  const slot = `dbadmin_backup_${randomBytes(6).toString('hex')}`;
  const onAbort = (): void => connection.destroy(new DbadminError('interrupted', 'the reception of the WAL was ended'));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    await connection.createPhysicalSlot(slot, { reserveWal: true, temporary: true });
  } catch (error) {
    await connection.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  return { connection, slot };
}

/**
 * Refuses a server that cannot go on with WAL that was received up to `lsn`: what answers may be another than before.
 *
 * @throws {DbadminError} `backup-failed` for another cluster; `connection-failed` while it has not come as far itself.
 */
export async function checkGoesOn({ connection }: WalHold, systemIdentifier: string, lsn: bigint): Promise<void> {
  const { parameters } = connection;
  const found = await connection.identifySystem();
  if (found.systemIdentifier !== systemIdentifier) {
    throw new DbadminError('backup-failed', `${describeParameters(parameters)} is another cluster than when the backup began`, {
      detail: `Its system identifier is ${found.systemIdentifier}; that of the backup is ${systemIdentifier}.`,
    });
  }
  if (found.flushLsn >= lsn) return;
  throw new DbadminError('connection-failed', `${describeParameters(parameters)} has not got the WAL that was received before`, {
    detail: `It has come to ${formatLsn(found.flushLsn)}; the WAL of the backup has come to ${formatLsn(lsn)}.`,
  });
}
