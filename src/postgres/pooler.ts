import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';

/** One connection that is never replaced by another. */
export interface PooledSession {
  /** The server process that the connection was told at its start. */
  readonly announcedPid: number | undefined;
  query<Row extends object>(text: string): Promise<readonly Row[]>;
  close(): Promise<void>;
}

const PROBES = 3;

/**
 * Refuses a connection whose statements may land in different server sessions: locks and settings would leak to strangers.
 *
 * A server announces its process number when a connection begins. When it is that of the process that answers, nothing stands
 * between. Otherwise other connections open transactions, as many as it takes: behind a transaction pooler one of them gets the
 * process that we had, or we get another one.
 *
 * @throws {DbadminError} `refused`.
 */
export async function refusePooler(session: PooledSession, openAnother: () => Promise<PooledSession>): Promise<void> {
  const pid = await processOf(session);
  if (session.announcedPid === pid) return;
  const others: PooledSession[] = [];
  try {
    for (let probe = 0; probe < PROBES; probe += 1) {
      const other = await openAnother();
      others.push(other);
      await begin(other);
      const taken = await processOf(other);
      if (taken !== pid && (await processOf(session)) === pid) continue;
      throw refused('transaction', `${whatWasSeen(pid, taken)} A lock taken there stays with whoever comes next.`);
    }
  } finally {
    await Promise.all(others.map(async (other) => await other.close()));
  }
}

async function begin(session: PooledSession): Promise<void> {
  try {
    await session.query('begin');
  } catch (error) {
    // The library of openClient keeps what a server says until it is ready for more, which PgBouncer is not: it says why, and hangs up.
    if (systemCodeOf(error) === 'CONNECTION_CLOSED') throw refused('statement', 'It closed the connection at BEGIN.', error);
    if (!/statement pooling/i.test(messageOf(error))) throw error;
    throw refused('statement', `It said: ${messageOf(error)}.`, error);
  }
}

function refused(mode: 'transaction' | 'statement', detail: string, cause?: unknown): DbadminError {
  const hint = 'Give the address of the server itself with --url or in dbadmin.yaml; or a pool in session mode.';
  return new DbadminError('refused', `this connection goes through a ${mode} pooler`, { detail, hint, cause });
}

function whatWasSeen(pid: number, taken: number): string {
  return pid === taken
    ? `Server process ${pid} answered this connection, and then another one in the middle of a transaction.`
    : `Statement after statement is answered by another server process (${pid} before, another now).`;
}

async function processOf(session: PooledSession): Promise<number> {
  const [row] = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
  return row?.pid ?? 0;
}
