import type { Sql } from 'postgres';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';

/** Where a cluster stands: everything that was done until now lies before it. */
export interface ClusterPosition {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly lsn: bigint;
}

/**
 * Asks a primary where it stands.
 *
 * @throws {DbadminError} `refused` on a standby, which does nothing itself.
 */
export async function inspectPosition(sql: Sql): Promise<ClusterPosition> {
  try {
    // The name of the segment tells the timeline; the control file's may be that of before the promotion.
    const [row] = await sql<{ id: string; lsn: string; segment: string }[]>`
      select system_identifier::text as id, pg_current_wal_insert_lsn()::text as lsn, pg_walfile_name(pg_current_wal_insert_lsn()) as segment
      from pg_control_system()`;
    if (row === undefined) throw new DbadminError('internal', 'the server did not say where it stands');
    return { systemIdentifier: row.id, timeline: Number.parseInt(row.segment.slice(0, 8), 16), lsn: parseLsn(row.lsn) };
  } catch (error) {
    if (systemCodeOf(error) !== '55000') throw error;
    throw new DbadminError('refused', 'this server is a standby', { hint: 'Connect to the primary.', cause: error });
  }
}

/** The stored SCRAM verifier of a role, or null when there is none or the connection may not read it. */
export async function readVerifier(sql: Sql, role: string): Promise<string | null> {
  try {
    const [row] = await sql<{ rolpassword: string | null }[]>`select rolpassword from pg_authid where rolname = ${role}`;
    return row?.rolpassword?.startsWith('SCRAM-SHA-256$') === true ? row.rolpassword : null;
  } catch (error) {
    if (systemCodeOf(error) === '42501') return null;
    throw error;
  }
}
