import type { Sql } from 'postgres';
import { DbadminError } from '../base/errors.ts';

/**
 * Makes sure that something can be changed over this connection.
 *
 * @throws {DbadminError} `refused` on a standby, and where transactions are read-only unless they say otherwise: whoever set that
 *   meant it.
 */
export async function refuseReadOnly(sql: Sql): Promise<void> {
  const [found] = await sql<{ standby: boolean; closed: boolean }[]>`
    select pg_catalog.pg_is_in_recovery() as standby, current_setting('default_transaction_read_only')::bool as closed`;
  refuseStandby(found?.standby === true);
  if (found?.closed === true) {
    throw new DbadminError('refused', 'transactions are read-only here: default_transaction_read_only is on', {
      detail: 'It is set for the server, the database or the role that is connected. Nothing was changed.',
      hint: 'Where it is no longer meant, take it away; for this connection alone, connect with ?options=-c%20default_transaction_read_only%3Doff.',
    });
  }
}

/** @throws {DbadminError} `refused`. */
export function refuseStandby(isStandby: boolean): void {
  if (!isStandby) return;
  throw new DbadminError('refused', 'this server is a standby: nothing can be changed on it', {
    hint: 'Connect to the primary. On a standby, roles plan, check, audit and who-can work.',
  });
}
