import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { encodePath } from '../../base/path-bytes.ts';
import { crc32c } from '../../postgres/crc32c.ts';
import type { SystemUser } from '../../postgres/server.ts';
import { writeServerManifest, type ManifestFile } from '../../postgres/server-manifest.ts';
import type { BlobReader } from '../../repository/blob-reader.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { readSmallFile } from './backup-contents-inspect.ts';
import type { FileChecksums } from './file-checksums.ts';
import { writeFailure } from './lay-down-apply.ts';
import type { FileToWrite, LayoutPlan } from './plan.ts';

export const SERVER_MANIFEST = 'backup_manifest';

export interface SyntheticManifestOptions {
  readonly plan: LayoutPlan;
  readonly backup: BackupSummary;
  readonly blobs: BlobReader;
  /** CRC-32C of files as they were written, by path; the others are read again. */
  readonly checksums: FileChecksums;
  readonly owner: SystemUser | undefined;
  readonly signal: AbortSignal;
}

/**
 * Writes the `backup_manifest` of a backup whose content was pieced together: no server ever described it as a whole. With
 * it pg_verifybackup vouches for what was laid down, and an incremental pg_basebackup may build on it.
 *
 * @see https://www.postgresql.org/docs/current/backup-manifest-format.html
 */
export async function writeSyntheticManifest(options: SyntheticManifestOptions): Promise<void> {
  const { plan, backup, owner } = options;
  const head = {
    systemIdentifier: backup.systemIdentifier,
    serverMajor: Math.floor(backup.serverVersion / 10_000),
    timeline: backup.stopTimeline,
    startLsn: backup.startLsn,
    endLsn: backup.stopLsn,
  };
  const file = path.join(plan.dataDirectory, SERVER_MANIFEST);
  const handle = await open(file, 'w', 0o600);
  try {
    for await (const piece of writeServerManifest(head, listFiles(options))) {
      await handle.writeFile(piece).catch((error: unknown) => {
        throw writeFailure(file, error);
      });
    }
    if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* listFiles(options: SyntheticManifestOptions): AsyncGenerator<ManifestFile> {
  const { plan, checksums, signal } = options;
  for (const file of plan.files) {
    signal.throwIfAborted();
    const relative = file.path;
    const sum = checksums.get(relative) ?? (await checksumOfFile(path.join(plan.dataDirectory, relative)));
    yield listed(file, relative, sum);
  }
  const { controlFile } = plan;
  yield listed(controlFile, controlFile.path, await checksumOfContent(controlFile, options.blobs));
}

function listed({ sizeBytes, modifiedAt }: FileToWrite, relative: string, sum: number): ManifestFile {
  return { path: relative, sizeBytes, modifiedAt, crc32c: sum };
}

async function checksumOfFile(file: string): Promise<number> {
  let sum = 0;
  for await (const chunk of createReadStream(encodePath(file), { highWaterMark: 1 << 20 })) sum = crc32c(chunk as Buffer, sum);
  return sum;
}

/** pg_control is written last of all: its sum comes from its content. */
async function checksumOfContent(file: FileToWrite, blobs: BlobReader): Promise<number> {
  return crc32c(await readSmallFile(file, blobs));
}
