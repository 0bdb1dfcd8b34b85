import { openClient } from '../../postgres/client.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { SlotState } from './status.ts';

export interface ServerWal {
  /** Where its WAL ends: written on a primary, received on a standby. */
  readonly writtenLsn: bigint;
  /** Undefined when there is no such slot. */
  readonly slot: SlotState | undefined;
}

interface Row {
  readonly written: string;
  readonly active: boolean | null;
  readonly status: string | null;
  readonly kept: string | null;
}

/** What the server says of its WAL and of a slot. */
export async function inspectServerWal(parameters: ConnectionParameters, slot: string): Promise<ServerWal | undefined> {
  const sql = await openClient(parameters, { applicationName: 'dbadmin wal status' });
  try {
    const [row] = await sql<Row[]>`
      with here as (
        select case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_flush_lsn() end as lsn
      )
      select here.lsn::text as written, s.active, s.wal_status as status, pg_wal_lsn_diff(here.lsn, s.restart_lsn)::bigint::text as kept
      from here left join pg_replication_slots s on s.slot_name = ${slot}`;
    if (row === undefined) return undefined;
    const kept = row.kept === null ? null : BigInt(row.kept);
    return {
      writtenLsn: parseLsn(row.written),
      slot: row.active === null ? undefined : { isActive: row.active, walStatus: row.status, keptBytes: kept },
    };
  } finally {
    await sql.end({ timeout: 1 });
  }
}
