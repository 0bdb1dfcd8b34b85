import type postgres from 'postgres';
import type { ControlFile } from '../../../src/postgres/control-file.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';

/** What pg_control says, as the server's own functions read it. */
export async function serverControlFile(sql: postgres.Sql): Promise<Partial<ControlFile>> {
  const [row] = await sql<Record<string, string | number>[]>`
    select system_identifier::text, pg_control_version, catalog_version_no, checkpoint_lsn::text, redo_lsn::text, timeline_id,
           prev_timeline_id, next_xid, next_oid::text, oldest_xid::text, extract(epoch from checkpoint_time)::text as checkpoint_at,
           extract(epoch from pg_control_last_modified)::text as modified_at, full_page_writes,
           database_block_size, blocks_per_segment, wal_block_size, bytes_per_wal_segment, data_page_checksum_version
      from pg_control_system(), pg_control_checkpoint(), pg_control_init()`;
  const number = (name: string): number => Number(row?.[name]);
  const text = (name: string): string => String(row?.[name]);
  const [epoch, xid] = text('next_xid').split(':');
  return {
    systemIdentifier: text('system_identifier'),
    pgControlVersion: number('pg_control_version'),
    catalogVersion: number('catalog_version_no'),
    modifiedAt: number('modified_at'),
    checkpointLsn: parseLsn(text('checkpoint_lsn')),
    redoLsn: parseLsn(text('redo_lsn')),
    timeline: number('timeline_id'),
    previousTimeline: number('prev_timeline_id'),
    fullPageWrites: text('full_page_writes') === 'true',
    nextXid: (BigInt(epoch ?? 0) << 32n) | BigInt(xid ?? 0),
    nextOid: number('next_oid'),
    oldestXid: number('oldest_xid'),
    checkpointAt: number('checkpoint_at'),
    blockSize: number('database_block_size'),
    relationSegmentBlocks: number('blocks_per_segment'),
    walBlockSize: number('wal_block_size'),
    walSegmentBytes: number('bytes_per_wal_segment'),
    checksumVersion: number('data_page_checksum_version'),
  };
}
