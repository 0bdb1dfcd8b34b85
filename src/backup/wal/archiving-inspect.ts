import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';

/** Who takes WAL away from a server. */
export interface Archiving {
  readonly systemIdentifier: string;
  /** Somebody streams from the slot. */
  readonly isReceiving: boolean;
  /** The server has an archive_command or archive_library and uses it. */
  readonly isArchiving: boolean;
}

/** Asks the server. */
export async function inspectArchiving(parameters: ConnectionParameters, slot: string): Promise<Archiving> {
  const sql = await openClient(parameters, { applicationName: 'dbadmin migrate' });
  try {
    const [row] = await sql<{ id: string; receiving: boolean | null; archiving: boolean | null }[]>`
      select system_identifier::text as id,
        (select active from pg_replication_slots where slot_name = ${slot}) as receiving,
        current_setting('archive_mode') <> 'off'
          and (current_setting('archive_command') <> '' or coalesce(current_setting('archive_library', true), '') <> '') as archiving
      from pg_control_system()`;
    return { systemIdentifier: row?.id ?? '', isReceiving: row?.receiving === true, isArchiving: row?.archiving === true };
  } finally {
    await sql.end({ timeout: 5 });
  }
}
