import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { refusePooler, type PooledSession } from '../../postgres/pooler.ts';

/** In session mode a pool that is used up keeps others waiting, behind a transaction pooler nobody waits for one that is idle. */
const LONGEST_MS = 5000;

/**
 * Refuses a way to the databases on which statements land in different server sessions. What pg_dump sets first (an empty search_path, ISO
 * dates) would stay with whoever is given that session next, and its own transaction could run in another one: the dump then has names without
 * their schema and dates in whatever style, ends well, and does not restore. Where that cannot be found out, pg_dump says why.
 *
 * @throws {DbadminError} `refused`.
 */
export async function refusePoolerOf(parameters: ConnectionParameters, databases: Iterable<string>, signal?: AbortSignal): Promise<void> {
  for (const database of new Set(databases)) {
    signal?.throwIfAborted();
    try {
      await look({ ...parameters, database });
    } catch (error) {
      if (!isDbadminError(error, 'refused')) continue;
      throw new DbadminError('refused', error.message, {
        detail: `${error.detail ?? ''} What pg_dump sets would stay there, and its own statements could go without it.`,
        hint: 'Give the address of the server itself in dbadmin.yaml, in a cluster of its own where that of the pooler has to stay; or a pool in session mode.',
        cause: error,
      });
    }
  }
}

async function look(parameters: ConnectionParameters): Promise<void> {
  const session = await openPooled(parameters);
  let isLate = false;
  // Those that wait for it go on once it is closed: with its server session, which says nothing then.
  const timer = setTimeout(() => {
    isLate = true;
    void session.close();
  }, LONGEST_MS);
  try {
    await refusePooler(session, async () => await openPooled(parameters));
  } catch (error) {
    if (!isLate) throw error;
  } finally {
    clearTimeout(timer);
    await session.close();
  }
}

async function openPooled(parameters: ConnectionParameters): Promise<PooledSession> {
  // As pg_dump begins: a pooler may give who says more at the start another session.
  const sql = await openClient(parameters, { path: 'own' });
  const close = async (): Promise<void> => await sql.end({ timeout: 1 });
  try {
    // Some poolers give a client that sets anything a session of its own, which is enough for pg_dump. Of this one the others keep account.
    const { state } = await sql`set application_name = 'dbadmin backup dump'`;
    return {
      announcedPid: state?.pid,
      query: async <Row extends object>(text: string) => (await sql.unsafe(text)) as unknown as readonly Row[],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
