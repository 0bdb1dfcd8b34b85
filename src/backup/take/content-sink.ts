import { DbadminError } from '../../base/errors.ts';
import type { BaseBackupSink } from '../../postgres/base-backup.ts';
import type { TarEntry } from '../../postgres/tar.ts';
import type { BlobWriter } from '../../repository/blob-writer.ts';
import type { Extent, ManifestEntry } from '../../repository/manifest.ts';
import { MAX_BLOB_BYTES } from '../../repository/pack.ts';

const ZEROS = Buffer.alloc(MAX_BLOB_BYTES);
const PAGE_BYTES = 8192;

/** Begins and ends of the streams that feed a {@link ContentSink}. */
export interface ContentSinkEvents {
  begin(info: Parameters<BaseBackupSink['begin']>[0]): void | Promise<void>;
  /** Plain bytes taken so far, and the bytes expected in all. */
  progress(doneBytes: number, totalBytes: number): void;
}

/** The content of a base backup on its way into blobs; afterwards its manifest's entries. */
export class ContentSink implements BaseBackupSink {
  readonly entries: ManifestEntry[] = [];
  plainBytes = 0;
  tablespaces: readonly { readonly oid: string; readonly location: string }[] = [];
  readonly #blobs: BlobWriter;
  readonly #events: ContentSinkEvents;
  #totalBytes = 0;
  #file: OpenFile | undefined;
  #manifest: OpenFile | undefined;

  constructor(blobs: BlobWriter, events: ContentSinkEvents) {
    this.#blobs = blobs;
    this.#events = events;
  }

  begin(info: Parameters<BaseBackupSink['begin']>[0]): void | Promise<void> {
    this.#totalBytes = info.totalBytes;
    this.tablespaces = info.tablespaces.map(({ oid, location }) => ({ oid, location }));
    return this.#events.begin(info);
  }

  entry(entry: TarEntry, tablespaceOid: string | undefined): void {
    const inside = entry.path.replace(/^\.\//, '').replace(/\/+$/, '');
    const path =
      tablespaceOid === undefined ? inside : inside === '' ? `pg_tblspc/${tablespaceOid}` : `pg_tblspc/${tablespaceOid}/${inside}`;
    const { mode, modifiedAt } = entry;
    if (entry.type === 'directory') {
      // The root of a tablespace's archive: its link in pg_tblspc says the same and comes with the base archive.
      if (inside !== '') this.entries.push({ path, type: 'directory', mode: mode & 0o7777, modifiedAt });
      return;
    }
    if (entry.type === 'symlink') {
      this.entries.push({ path, type: 'symlink', target: entry.linkTarget ?? '' });
      return;
    }
    this.#file = new OpenFile(path, entry.sizeBytes, mode & 0o7777, modifiedAt);
  }

  data(chunk: Uint8Array): void | Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new DbadminError('protocol-violation', 'the base backup sent content outside a file');
    this.plainBytes += chunk.byteLength;
    this.#events.progress(this.plainBytes, this.#totalBytes);
    return file.take(chunk, this.#blobs);
  }

  async endEntry(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) this.entries.push(await file.finish(this.#blobs));
  }

  manifest(chunk: Uint8Array): void | Promise<void> {
    this.#manifest ??= new OpenFile('backup_manifest', undefined, 0o600, Math.floor(Date.now() / 1000));
    return this.#manifest.take(chunk, this.#blobs);
  }

  /** Takes in the server's manifest once the stream has ended. */
  async finish(): Promise<void> {
    if (this.#manifest !== undefined) this.entries.push(await this.#manifest.finish(this.#blobs));
  }
}

/** One file being cut into blobs of up to 1 MiB; runs of zero pages become holes. */
class OpenFile {
  readonly #path: string;
  readonly #expectedBytes: number | undefined;
  readonly #mode: number;
  readonly #modifiedAt: number;
  readonly #extents: Extent[] = [];
  #buffer: Buffer;
  #filled = 0;
  #offset = 0;

  constructor(path: string, expectedBytes: number | undefined, mode: number, modifiedAt: number) {
    this.#path = path;
    this.#expectedBytes = expectedBytes;
    this.#mode = mode;
    this.#modifiedAt = modifiedAt;
    this.#buffer = this.#nextBuffer();
  }

  take(chunk: Uint8Array, blobs: BlobWriter): void | Promise<void> {
    const room = this.#buffer.byteLength - this.#filled;
    if (chunk.byteLength < room) {
      this.#buffer.set(chunk, this.#filled);
      this.#filled += chunk.byteLength;
      return undefined;
    }
    return this.#takeAcross(chunk, blobs);
  }

  async finish(blobs: BlobWriter): Promise<ManifestEntry> {
    if (this.#filled > 0) await this.#flush(blobs);
    if (this.#expectedBytes !== undefined && this.#offset !== this.#expectedBytes) {
      throw new DbadminError('protocol-violation', `file ${this.#path} ended at ${this.#offset} of ${this.#expectedBytes} bytes`);
    }
    return {
      path: this.#path,
      type: 'file',
      sizeBytes: this.#offset,
      mode: this.#mode,
      modifiedAt: this.#modifiedAt,
      extents: this.#extents,
    };
  }

  async #takeAcross(chunk: Uint8Array, blobs: BlobWriter): Promise<void> {
    for (let at = 0; at < chunk.byteLength;) {
      const taken = Math.min(chunk.byteLength - at, this.#buffer.byteLength - this.#filled);
      this.#buffer.set(chunk.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === this.#buffer.byteLength) await this.#flush(blobs);
    }
  }

  async #flush(blobs: BlobWriter): Promise<void> {
    const plain = this.#buffer.subarray(0, this.#filled);
    const offset = this.#offset;
    this.#offset += plain.byteLength;
    this.#filled = 0;
    this.#buffer = this.#nextBuffer();
    if (!isZero(plain)) this.#extents.push([offset, plain.byteLength, await blobs.put(plain)]);
  }

  #nextBuffer(): Buffer {
    const left = this.#expectedBytes === undefined ? MAX_BLOB_BYTES : this.#expectedBytes - this.#offset;
    return Buffer.allocUnsafe(Math.max(1, Math.min(MAX_BLOB_BYTES, left)));
  }
}

function isZero(bytes: Buffer): boolean {
  // Most pages begin with a non-zero LSN: look there before comparing all.
  if (bytes.byteLength >= PAGE_BYTES && bytes.readUInt32LE(0) !== 0) return false;
  return bytes.equals(ZEROS.subarray(0, bytes.byteLength));
}
