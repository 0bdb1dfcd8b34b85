import type { Sql } from 'postgres';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { applySettings, UNTIMED_SETTINGS } from '../../postgres/session-client.ts';

/** What both connections of a backup, that for replication and the ordinary one, are called at the server. */
export const BACKUP_APPLICATION = 'dbadmin backup';

/** The ordinary connection of a backup, for what the replication connection cannot be asked: opened when it is first needed. */
export class OrdinarySession {
  readonly #parameters: ConnectionParameters;
  #opening: Promise<Sql> | undefined;

  constructor(parameters: ConnectionParameters) {
    this.#parameters = parameters;
  }

  /** @throws {DbadminError} as openClient; the next call tries again. */
  async open(): Promise<Sql> {
    this.#opening ??= openClient(this.#parameters, { applicationName: BACKUP_APPLICATION });
    try {
      const sql = await this.#opening;
      // Each time: where it was cut off since, this is another session.
      await applySettings(sql, UNTIMED_SETTINGS);
      return sql;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** One like it in another database of the same cluster. */
  into(database: string): OrdinarySession {
    return new OrdinarySession({ ...this.#parameters, database });
  }

  /** Ends the connection, if there is one; {@link OrdinarySession.open} makes another. Never throws. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    try {
      await (await opening)?.end({ timeout: 1 });
    } catch {
      // What did not open need not be ended.
    }
  }
}

/** Whether an ordinary connection is one to the cluster of this identifier; true where the function is kept from this role. */
export async function leadsTo(sql: Sql, systemIdentifier: string): Promise<boolean> {
  const [may] = await sql<{ may: boolean }[]>`select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may`;
  if (may?.may !== true) return true;
  const [row] = await sql<{ system: string }[]>`select system_identifier::text as system from pg_catalog.pg_control_system()`;
  return row?.system === systemIdentifier;
}
