import { openClient, type ClientOptions } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { inspectPrepared } from '../../postgres/prepared-inspect.ts';
import { quoteLiteral } from '../../postgres/quote.ts';

/**
 * Rolls back what was prepared and neither committed nor rolled back where the recovery of a throw-away cluster ended. None of it is in
 * the state that was restored, and recovery took its locks again, for ever: just before COMMIT PREPARED of a DROP nobody could
 * read the table that was dropped.
 */
export async function rollBackPrepared(superuser: ConnectionParameters, options: ClientOptions = {}): Promise<void> {
  for (const { gid, database } of await inspectPrepared(superuser, options)) {
    // Each can be ended only in its own database.
    const sql = await openClient({ ...superuser, database }, options);
    try {
      await sql.unsafe(`ROLLBACK PREPARED ${quoteLiteral(gid)}`);
    } finally {
      await sql.end({ timeout: 5 });
    }
  }
}
