import { randomBytes } from 'node:crypto';
import { BlobIndex, writeIndex, type IndexedPack } from '../../src/repository/blob-index.ts';
import { BlobReader } from '../../src/repository/blob-reader.ts';
import { runName } from '../../src/repository/collection.ts';
import { blake3 } from '../../src/repository/hash.ts';
import { packKey } from '../../src/repository/layout.ts';
import { listBackups, readManifest, type BackupSummary, type ManifestEntry } from '../../src/repository/manifest.ts';
import { encodeFooter, PACK_START, type PackedBlob } from '../../src/repository/pack.ts';
import type { Repository } from '../../src/repository/repository.ts';

export const SYSTEM = '7710407255717780657';

/** The summary of a backup of which only what is given matters. */
export function summaryOf(label: string, parts: Partial<BackupSummary> = {}): BackupSummary {
  return {
    label,
    kind: 'full',
    systemIdentifier: SYSTEM,
    serverVersion: 180004,
    tool: 'test',
    startedAt: '2026-11-21T00:00:00.000Z',
    finishedAt: '2026-11-21T00:00:01.000Z',
    startLsn: '0/2000028',
    stopLsn: '0/2000120',
    startTimeline: 1,
    stopTimeline: 1,
    walSegmentBytes: 1024 * 1024,
    blockBytes: 8192,
    checksums: true,
    damage: null,
    warnings: [],
    tablespaces: [],
    fileCount: 1,
    plainBytes: 1,
    newBlobs: 1,
    storedBytes: 1,
    ...parts,
  };
}

export const hashOf = (content: Buffer): string => blake3(content).toString('hex');

/** Writes one pack of these contents, without an index. */
export async function writePack(repository: Repository, contents: readonly Buffer[]): Promise<IndexedPack> {
  const pack = randomBytes(16).toString('hex');
  const blobs: PackedBlob[] = [];
  let offset = PACK_START.byteLength;
  for (const content of contents) {
    const sizes = { storedBytes: content.byteLength, plainBytes: content.byteLength };
    blobs.push({ hash: hashOf(content), offset, ...sizes, zstd: false, encrypted: false });
    offset += content.byteLength;
  }
  await repository.store.create(packKey(SYSTEM, pack), Buffer.concat([PACK_START, ...contents, encodeFooter(blobs)]));
  return { pack, blobs };
}

/** Writes packs of these contents, a few to a pack, and their index. */
export async function writePacks(
  repository: Repository,
  contents: readonly Buffer[],
  at: Date,
  perPack = 4,
): Promise<readonly IndexedPack[]> {
  const packs: IndexedPack[] = [];
  for (let from = 0; from < contents.length; from += perPack) packs.push(await writePack(repository, contents.slice(from, from + perPack)));
  if (packs.length > 0) await writeIndex(repository, SYSTEM, runName(at), packs);
  return packs;
}

/** One file whose content these are, one after another. */
export function fileOf(contents: readonly Buffer[]): ManifestEntry {
  let offset = 0;
  const extents = contents.map((content) => {
    offset += content.byteLength;
    return [offset - content.byteLength, content.byteLength, hashOf(content)] as const;
  });
  return { path: 'base/5/1259', type: 'file', sizeBytes: offset, mode: 384, modifiedAt: 1_795_200_000, extents };
}

/** Reads every backup that is listed to its last byte, checked; gives their labels. */
export async function readAllBackups(repository: Repository, systemIdentifier = SYSTEM): Promise<readonly string[]> {
  const backups = await listBackups(repository, systemIdentifier);
  const index = await BlobIndex.load(repository, systemIdentifier);
  const reader = new BlobReader(repository, systemIdentifier, index);
  for (const { label } of backups) {
    for await (const entry of readManifest(repository, systemIdentifier, label)) {
      if (entry.type !== 'file') continue;
      let read = 0;
      for await (const plain of reader.readAll(Array.from(entry.extents, (extent) => extent[2]))) read += plain.byteLength;
      const named = [...entry.extents].reduce((sum, extent) => sum + extent[1], 0);
      if (read < named) throw new Error(`${label}: ${entry.path} has ${read} bytes where ${named} are named`);
    }
  }
  return backups.map(({ label }) => label);
}
