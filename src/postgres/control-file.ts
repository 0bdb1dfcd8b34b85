import { DbadminError } from '../base/errors.ts';
import { crc32c } from './crc32c.ts';

export const CLUSTER_STATES = [
  'starting-up',
  'shut-down',
  'shut-down-in-recovery',
  'shutting-down',
  'in-crash-recovery',
  'in-archive-recovery',
  'in-production',
] as const;
export type ClusterState = (typeof CLUSTER_STATES)[number];

export const WAL_LEVELS = ['minimal', 'replica', 'logical'] as const;
export type WalLevel = (typeof WAL_LEVELS)[number];

/** What `global/pg_control` says of a cluster. Times are seconds since 1970. */
export interface ControlFile {
  readonly systemIdentifier: string;
  readonly pgControlVersion: number;
  readonly catalogVersion: number;
  readonly state: ClusterState;
  readonly modifiedAt: number;
  /** The last checkpoint's record, and where recovery begins for it. */
  readonly checkpointLsn: bigint;
  readonly redoLsn: bigint;
  readonly timeline: number;
  readonly previousTimeline: number;
  readonly fullPageWrites: boolean;
  /** Epoch in the high half. */
  readonly nextXid: bigint;
  readonly nextOid: number;
  readonly oldestXid: number;
  readonly checkpointAt: number;
  readonly minRecoveryLsn: bigint;
  readonly minRecoveryTimeline: number;
  /** Not 0/0 while a base backup's end has not been replayed yet. */
  readonly backupStartLsn: bigint;
  readonly backupEndLsn: bigint;
  readonly backupEndRequired: boolean;
  readonly walLevel: WalLevel;
  readonly walLogHints: boolean;
  /** The five that a hot standby or a recovery must not have lower. */
  readonly maxConnections: number;
  readonly maxWorkerProcesses: number;
  readonly maxWalSenders: number;
  readonly maxPreparedXacts: number;
  readonly maxLocksPerXact: number;
  readonly trackCommitTimestamp: boolean;
  readonly blockSize: number;
  /** Blocks of one file of a relation. */
  readonly relationSegmentBlocks: number;
  readonly walBlockSize: number;
  readonly walSegmentBytes: number;
  /** 0 without page checksums. */
  readonly checksumVersion: number;
}

const CRC_OFFSET: Readonly<Record<number, number>> = { 1300: 288, 1700: 288, 1800: 292 };
const SIZE_BYTES = 296;

/**
 * Reads `global/pg_control` of PostgreSQL 14 to 18.
 *
 * @throws {DbadminError} `server-unsupported` for another version or byte order; `file-unreadable` when it is too short or
 * its checksum is wrong: it was read while it was written, or the cluster is damaged.
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_control.h
 */
export function parseControlFile(bytes: Uint8Array): ControlFile {
  if (bytes.length < SIZE_BYTES) throw damaged(`It has ${bytes.length} bytes.`);
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pgControlVersion = file.readUInt32LE(8);
  const crcOffset = CRC_OFFSET[pgControlVersion];
  if (crcOffset === undefined) {
    throw new DbadminError('server-unsupported', `pg_control has version ${pgControlVersion}, which is not known`, {
      detail: 'Known are those of PostgreSQL 14 to 18, written by a little-endian machine (x86-64, arm64).',
    });
  }
  if (crc32c(file.subarray(0, crcOffset)) !== file.readUInt32LE(crcOffset)) throw damaged('Its checksum is wrong.');
  const state = CLUSTER_STATES[file.readUInt32LE(16)];
  const walLevel = WAL_LEVELS[file.readUInt32LE(172)];
  if (state === undefined || walLevel === undefined) throw damaged('It holds a state or wal_level that does not exist.');
  return {
    systemIdentifier: file.readBigUInt64LE(0).toString(),
    pgControlVersion,
    catalogVersion: file.readUInt32LE(12),
    state,
    modifiedAt: Number(file.readBigInt64LE(24)),
    checkpointLsn: file.readBigUInt64LE(32),
    ...parseCheckpoint(file.subarray(40, 128)),
    minRecoveryLsn: file.readBigUInt64LE(136),
    minRecoveryTimeline: file.readUInt32LE(144),
    backupStartLsn: file.readBigUInt64LE(152),
    backupEndLsn: file.readBigUInt64LE(160),
    backupEndRequired: file[168] === 1,
    walLevel,
    walLogHints: file[176] === 1,
    maxConnections: file.readInt32LE(180),
    maxWorkerProcesses: file.readInt32LE(184),
    maxWalSenders: file.readInt32LE(188),
    maxPreparedXacts: file.readInt32LE(192),
    maxLocksPerXact: file.readInt32LE(196),
    trackCommitTimestamp: file[200] === 1,
    blockSize: file.readUInt32LE(216),
    relationSegmentBlocks: file.readUInt32LE(220),
    walBlockSize: file.readUInt32LE(224),
    walSegmentBytes: file.readUInt32LE(228),
    checksumVersion: file.readUInt32LE(252),
  };
}

type Checkpoint = Pick<
  ControlFile,
  'redoLsn' | 'timeline' | 'previousTimeline' | 'fullPageWrites' | 'nextXid' | 'nextOid' | 'oldestXid' | 'checkpointAt'
>;

/** The copy of the last checkpoint's record; 17 put wal_level into what was padding. */
function parseCheckpoint(record: Buffer): Checkpoint {
  return {
    redoLsn: record.readBigUInt64LE(0),
    timeline: record.readUInt32LE(8),
    previousTimeline: record.readUInt32LE(12),
    fullPageWrites: record[16] === 1,
    nextXid: record.readBigUInt64LE(24),
    nextOid: record.readUInt32LE(32),
    oldestXid: record.readUInt32LE(44),
    checkpointAt: Number(record.readBigInt64LE(64)),
  };
}

function damaged(detail: string): DbadminError {
  return new DbadminError('file-unreadable', 'global/pg_control cannot be trusted', {
    detail,
    hint: 'Read it again; when it stays so, the cluster is damaged and needs a restore.',
  });
}
