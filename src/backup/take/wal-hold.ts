import { randomBytes } from 'node:crypto';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { describeParameters, type ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { startWalStream } from '../../postgres/wal-stream.ts';

/** A position in the WAL, and the timeline that it is on. */
export interface Position {
  readonly lsn: bigint;
  readonly timeline: number;
}

/** A temporary slot, and the connection that it goes with. */
export interface WalHold {
  readonly connection: ReplicationConnection;
  readonly slot: string;
}

/**
 * From now on the server keeps the WAL since its last checkpoint, or since `wanted`, where it has that: a reception that lagged
 * behind may want older WAL, and the next checkpoint would remove it. For as long as the connection lives.
 */
export async function holdWal(parameters: ConnectionParameters, signal?: AbortSignal, wanted?: Position): Promise<WalHold> {
  const connection = await ReplicationConnection.open(parameters, { applicationName: 'dbadmin backup wal', signal });
  const slot = `dbadmin_backup_${randomBytes(6).toString('hex')}`;
  const onAbort = (): void => connection.destroy(new DbadminError('interrupted', 'the reception of the WAL was ended'));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    const create = async (): Promise<void> => await connection.createPhysicalSlot(slot, { reserveWal: true, temporary: true });
    await create();
    // An error takes the temporary slots of its connection with it.
    if (wanted !== undefined && !(await canMove({ connection, slot }, wanted))) await create();
    signal?.throwIfAborted();
  } catch (error) {
    await connection.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  return { connection, slot };
}

/**
 * Moves the slot by the means of a receiver, which begins there and says that it has everything before. False when the server
 * refuses: it has no such WAL any more, and tells that to whoever wants to receive it.
 */
async function canMove({ connection, slot }: WalHold, { lsn: startLsn, timeline }: Position): Promise<boolean> {
  const outcome: { failure?: Error } = {};
  try {
    const stream = await startWalStream(connection, { slot, startLsn, timeline });
    void stream.failed.then((error) => (outcome.failure = error));
    stream.reportFlushed(startLsn);
    // Says nothing of a stream that failed.
    await stream.stop();
    if (outcome.failure !== undefined) throw outcome.failure;
    return true;
  } catch (error) {
    if (isDbadminError(error, 'connection-failed')) throw error;
    return false;
  }
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
