import { readFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { parseControlFile } from '../../../src/postgres/control-file.ts';
import { EMBEDDED_MAJORS, hasEmbedded } from '../../../src/postgres/embedded.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

const SETTINGS = {
  max_connections: 37,
  max_worker_processes: 11,
  max_wal_senders: 7,
  max_prepared_transactions: 5,
  max_locks_per_transaction: 77,
  wal_level: 'logical',
  wal_log_hints: 'on',
  track_commit_timestamp: 'on',
};

test.each(EMBEDDED_MAJORS.filter(hasEmbedded))('pg_control of %i reads as the server itself reads it', async (major) => {
  const cluster = await startEmbeddedCluster({ major, settings: SETTINGS, walSegmentMegabytes: 32, checksums: major !== 15 });
  const sql = postgres(cluster.url(), { max: 1 });
  try {
    await sql`checkpoint`;
    const [row] = await sql<Record<string, string | number>[]>`
      select system_identifier::text, pg_control_version, catalog_version_no, checkpoint_lsn::text, redo_lsn::text, timeline_id,
             prev_timeline_id, next_xid, next_oid::text, oldest_xid::text, extract(epoch from checkpoint_time)::text as checkpoint_at,
             extract(epoch from pg_control_last_modified)::text as modified_at,
             database_block_size, blocks_per_segment, wal_block_size, bytes_per_wal_segment, data_page_checksum_version
        from pg_control_system(), pg_control_checkpoint(), pg_control_init()`;
    const file = parseControlFile(await readFile(path.join(cluster.dataDirectory ?? '', 'global', 'pg_control')));
    const [epoch, xid] = String(row?.['next_xid']).split(':');
    expect(file).toMatchObject({
      systemIdentifier: row?.['system_identifier'],
      pgControlVersion: row?.['pg_control_version'],
      catalogVersion: row?.['catalog_version_no'],
      state: 'in-production',
      modifiedAt: Number(row?.['modified_at']),
      checkpointLsn: parseLsn(String(row?.['checkpoint_lsn'])),
      redoLsn: parseLsn(String(row?.['redo_lsn'])),
      timeline: row?.['timeline_id'],
      previousTimeline: row?.['prev_timeline_id'],
      fullPageWrites: true,
      nextXid: (BigInt(epoch ?? 0) << 32n) | BigInt(xid ?? 0),
      nextOid: Number(row?.['next_oid']),
      oldestXid: Number(row?.['oldest_xid']),
      checkpointAt: Number(row?.['checkpoint_at']),
      backupEndRequired: false,
      walLevel: 'logical',
      walLogHints: true,
      maxConnections: 37,
      maxWorkerProcesses: 11,
      maxWalSenders: 7,
      maxPreparedXacts: 5,
      maxLocksPerXact: 77,
      trackCommitTimestamp: true,
      blockSize: row?.['database_block_size'],
      relationSegmentBlocks: row?.['blocks_per_segment'],
      walBlockSize: row?.['wal_block_size'],
      walSegmentBytes: row?.['bytes_per_wal_segment'],
      checksumVersion: row?.['data_page_checksum_version'],
    });
    expect(file.checksumVersion).toBe(major === 15 ? 0 : 1);
  } finally {
    await sql.end();
    await cluster.stop();
  }
});

test('a pg_control with one changed bit, of another version, or cut short is refused', async () => {
  const file = Buffer.alloc(8192);
  file.writeUInt32LE(1300, 8);
  expect(() => parseControlFile(file)).toThrow(expect.objectContaining({ code: 'file-unreadable' }));
  file.writeUInt32LE(1201, 8);
  expect(() => parseControlFile(file)).toThrow(expect.objectContaining({ code: 'server-unsupported' }));
  expect(() => parseControlFile(file.subarray(0, 100))).toThrow(expect.objectContaining({ code: 'file-unreadable' }));
});
