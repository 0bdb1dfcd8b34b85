import { Blake3, blake3 } from '../../src/repository/hash.ts';
import { writeIndex } from '../../src/repository/blob-index.ts';
import { compress } from '../../src/repository/compress.ts';
import { ensureClusterIdentity, type ClusterIdentity } from '../../src/repository/identity.ts';
import { contentHash, encryptBlob } from '../../src/repository/keys.ts';
import { packKey } from '../../src/repository/layout.ts';
import { writeManifest, type BackupSummary } from '../../src/repository/manifest.ts';
import { encodeFooter, PACK_START, type PackedBlob } from '../../src/repository/pack.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { WalArchive } from '../../src/repository/wal-archive.ts';

export const SEGMENT_BYTES = 1024 * 1024;
export const SYSTEM_IDENTIFIER = '7600000000000000001';

export const CLUSTER: ClusterIdentity = {
  systemIdentifier: SYSTEM_IDENTIFIER,
  name: 'main',
  serverVersion: 170_010,
  walSegmentBytes: SEGMENT_BYTES,
};

/** Segment number `n` of timeline 1 of the cluster: a valid first page, then bytes that depend on `n`. */
export function segmentBytes(n: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_BYTES, n);
  bytes.fill(0, 0, 40);
  bytes.writeUInt16LE(0xd116, 0);
  bytes.writeUInt16LE(2, 2);
  bytes.writeUInt32LE(1, 4);
  bytes.writeBigUInt64LE(BigInt(n) * BigInt(SEGMENT_BYTES), 8);
  bytes.writeBigUInt64LE(BigInt(SYSTEM_IDENTIFIER), 24);
  bytes.writeUInt32LE(SEGMENT_BYTES, 32);
  bytes.writeUInt32LE(8192, 36);
  return bytes;
}

export function segmentOf(n: number): string {
  return `00000001${'0'.repeat(8)}${n.toString(16).toUpperCase().padStart(8, '0')}`;
}

const lsn = (n: number): string => `0/${(n * SEGMENT_BYTES).toString(16).toUpperCase()}`;

/** A pack of these contents, as a run would store it; gives the names of its blobs. */
export async function writePack(repository: Repository, pack: string, contents: readonly Buffer[]): Promise<readonly PackedBlob[]> {
  const blobs: PackedBlob[] = [];
  const pieces: Buffer[] = [PACK_START];
  let offset = PACK_START.byteLength;
  for (const plain of contents) {
    const hash = contentHash(repository, plain);
    const compressed = await compress(plain);
    const stored = repository.keys === undefined ? compressed : encryptBlob(repository.keys.packKey(pack), hash, compressed);
    const encrypted = repository.keys !== undefined;
    const name = hash.toString('hex');
    blobs.push({ hash: name, offset, storedBytes: stored.byteLength, plainBytes: plain.byteLength, zstd: true, encrypted });
    pieces.push(stored);
    offset += stored.byteLength;
  }
  await repository.store.create(packKey(SYSTEM_IDENTIFIER, pack), Buffer.concat([...pieces, encodeFooter(blobs)]));
  return blobs;
}

export interface SampleBackup {
  readonly summary: BackupSummary;
  readonly pack: string;
}

/** A backup of two files that lie in a pack of its own; its WAL is segment `n`. Segments are stored apart. */
export async function writeBackup(repository: Repository, label: string, n: number): Promise<SampleBackup> {
  const pack = blake3(Buffer.from(label)).toString('hex').slice(0, 32);
  const contents = [Buffer.from(`${label} one `.repeat(500)), Buffer.from(`${label} two `.repeat(900))];
  const blobs = await writePack(repository, pack, contents);
  await writeIndex(repository, SYSTEM_IDENTIFIER, `20261121T0000${String(n).padStart(2, '0')}-${pack.slice(0, 16)}`, [{ pack, blobs }]);
  const files = blobs.map((blob, at) => ({
    path: `base/5/${at}`,
    type: 'file' as const,
    sizeBytes: blob.plainBytes,
    mode: 0o600,
    modifiedAt: 1_795_200_000,
    extents: [[0, blob.plainBytes, blob.hash] as const],
  }));
  const summary: BackupSummary = {
    label,
    kind: 'full',
    systemIdentifier: SYSTEM_IDENTIFIER,
    serverVersion: 170_010,
    tool: 'test',
    startedAt: new Date(Date.UTC(2026, 10, 21, n)).toISOString(),
    finishedAt: new Date(Date.UTC(2026, 10, 21, n, 1)).toISOString(),
    startLsn: lsn(n),
    stopLsn: lsn(n + 0.5),
    startTimeline: 1,
    stopTimeline: 1,
    walSegmentBytes: SEGMENT_BYTES,
    blockBytes: 8192,
    checksums: true,
    damage: null,
    warnings: [],
    tablespaces: [],
    fileCount: files.length,
    plainBytes: contents.reduce((sum, { byteLength }) => sum + byteLength, 0),
    newBlobs: blobs.length,
    storedBytes: 1,
    packs: [pack],
  };
  await writeManifest(repository, summary, files);
  return { summary, pack };
}

/** A repository with two backups, WAL from the first to beyond the second, the open segment's parts, a horizon and a second timeline's history. */
export async function fillRepository(repository: Repository): Promise<readonly SampleBackup[]> {
  await ensureClusterIdentity(repository, CLUSTER);
  const backups = [await writeBackup(repository, '20261121T010000Z-full', 1), await writeBackup(repository, '20261121T030000Z-full', 3)];
  const archive = new WalArchive(repository, SYSTEM_IDENTIFIER, SEGMENT_BYTES);
  const times = { receivedAt: new Date(), coveredUntil: undefined };
  for (const n of [1, 2, 3, 4]) await archive.putSegment(segmentOf(n), segmentBytes(n), times);
  await archive.putPart(segmentOf(5), 0, segmentBytes(5).subarray(0, 8192), times);
  await archive.putPart(segmentOf(5), 8192, segmentBytes(5).subarray(8192, 20_000), times);
  await archive.putHorizon(1, BigInt(5 * SEGMENT_BYTES + 16_000), new Date(Date.UTC(2026, 10, 21, 9)));
  await archive.putHistory(2, Buffer.from(`1\t0/${(4 * SEGMENT_BYTES).toString(16).toUpperCase()}\tno recovery target specified\n`));
  return backups;
}

/** BLAKE3-256 of bytes, for manifests of dumps. */
export function plainHash(bytes: Uint8Array): string {
  return new Blake3().update(bytes).digest().toString('hex');
}
