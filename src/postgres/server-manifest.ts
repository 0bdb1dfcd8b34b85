import { createHash } from 'node:crypto';
import { encodePath } from '../base/path-bytes.ts';

/** What a backup manifest lists of a file. */
export interface ManifestFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
  readonly crc32c?: number | undefined;
}

export interface ManifestHead {
  /** Decimal; stands in manifests from PostgreSQL 17 on. */
  readonly systemIdentifier: string;
  readonly serverMajor: number;
  readonly timeline: number;
  /** LSNs as PostgreSQL prints them. */
  readonly startLsn: string;
  readonly endLsn: string;
}

/** Files per piece. */
const PIECE_FILES = 512;

/**
 * A backup_manifest of our own, in pieces: the server takes it as the parent of an incremental backup, and pg_verifybackup as
 * the description of a restored directory.
 *
 * Paths are text as path-bytes.ts gives it.
 *
 * @see https://www.postgresql.org/docs/current/backup-manifest-format.html
 */
export async function* writeServerManifest(
  head: ManifestHead,
  files: Iterable<ManifestFile> | AsyncIterable<ManifestFile>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const piece = (text: string): Buffer => {
    const bytes = Buffer.from(text, 'utf8');
    hash.update(bytes);
    return bytes;
  };
  const version = head.serverMajor >= 17 ? `2,\n"System-Identifier": ${head.systemIdentifier}` : '1';
  yield piece(`{ "PostgreSQL-Backup-Manifest-Version": ${version},\n"Files": [`);
  let lines: string[] = [];
  let isFirst = true;
  for await (const file of files) {
    lines.push(`${isFirst ? '\n' : ',\n'}${fileLine(file)}`);
    isFirst = false;
    if (lines.length < PIECE_FILES) continue;
    yield piece(lines.join(''));
    lines = [];
  }
  const range = `{ "Timeline": ${head.timeline}, "Start-LSN": "${head.startLsn}", "End-LSN": "${head.endLsn}" }`;
  yield piece(`${lines.join('')}\n],\n"WAL-Ranges": [\n${range}\n],\n`);
  yield Buffer.from(`"Manifest-Checksum": "${hash.digest('hex')}"}\n`, 'utf8');
}

function fileLine({ path, sizeBytes, modifiedAt, crc32c }: ManifestFile): string {
  const modified = `${new Date(modifiedAt * 1000).toISOString().slice(0, 19).replace('T', ' ')} GMT`;
  const sum = crc32c === undefined ? '' : `, "Checksum-Algorithm": "CRC32C", "Checksum": "${checksumText(crc32c)}"`;
  return `{ ${encodedPath(path)}, "Size": ${sizeBytes}, "Last-Modified": "${modified}"${sum} }`;
}

function encodedPath(path: string): string {
  return path.isWellFormed() ? `"Path": ${JSON.stringify(path)}` : `"Encoded-Path": "${encodePath(path).toString('hex')}"`;
}

/** The four bytes of the sum as PostgreSQL has them in memory, little-endian. */
function checksumText(sum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(sum);
  return bytes.toString('hex');
}
