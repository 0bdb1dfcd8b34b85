import type { BaseBackupSink } from './base-backup.ts';
import type { MessagePart } from './message-reader.ts';
import { violation } from './messages.ts';
import { TarReader, type TarSink } from './tar.ts';

/** What a piece of a base backup's data belongs to. */
export type Archive = { readonly kind: 'tablespace'; readonly oid: string | undefined } | { readonly kind: 'manifest' };

/** What one CopyData part means: bytes of the current archive, or a control message of its own. */
export type CopyContent =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'archive'; readonly archive: Archive }
  | { readonly kind: 'progress' };

/** How a server version divides a base backup into archives. */
export interface CopyLayout {
  /** The archive that a CopyOutResponse begins, or undefined when archives are announced inside. */
  startCopy(): Archive | undefined;
  read(part: MessagePart): CopyContent;
}

/** PostgreSQL 14: one copy for each tablespace in the order of the list, then one for the manifest. */
export class CopyPerArchive implements CopyLayout {
  readonly #order: readonly (string | undefined)[];
  #next = 0;

  /** `order` holds the list's tablespaces; undefined is the data directory. */
  constructor(order: readonly (string | undefined)[]) {
    this.#order = order;
  }

  startCopy(): Archive {
    const index = this.#next;
    this.#next += 1;
    if (index > this.#order.length) throw violation('more archives came than there are tablespaces');
    return index === this.#order.length ? { kind: 'manifest' } : { kind: 'tablespace', oid: this.#order[index] };
  }

  read(part: MessagePart): CopyContent {
    return { kind: 'bytes', bytes: part.bytes };
  }
}

/** PostgreSQL 15 and later: one copy; the first byte of each message says what it is. */
export class SingleCopy implements CopyLayout {
  startCopy(): undefined {
    return undefined;
  }

  read(part: MessagePart): CopyContent {
    // A long message comes in parts: only its first begins with the kind, and only data is ever long.
    if (!part.isStart) return { kind: 'bytes', bytes: part.bytes };
    const kind = String.fromCharCode(part.bytes[0] ?? 0);
    switch (kind) {
      case 'd':
        return { kind: 'bytes', bytes: part.bytes.subarray(1) };
      case 'p':
        return { kind: 'progress' };
      case 'm':
        return { kind: 'archive', archive: { kind: 'manifest' } };
      case 'n': {
        const name = part.bytes.toString('utf8', 1, part.bytes.indexOf(0, 1));
        const oid = /^(\d+)\.tar$/.exec(name)?.[1];
        if (oid === undefined && name !== 'base.tar') throw violation(`an archive is named "${name}"`);
        return { kind: 'archive', archive: { kind: 'tablespace', oid } };
      }
      default:
        throw violation(`a base backup message has kind "${kind}"`);
    }
  }
}

/** The sink's progress is told at most this often. */
const PROGRESS_STEP_BYTES = 1024 * 1024;

/** Gives each archive of a base backup to the sink: tar entries of tablespaces, bytes of the manifest. */
export class ArchiveSplitter {
  readonly #sink: BaseBackupSink;
  readonly #layout: CopyLayout;
  #archive: Archive | undefined;
  #tar: TarReader | undefined;
  #doneBytes = 0;
  #reportedBytes = 0;
  #isManifestWhole = false;

  constructor(sink: BaseBackupSink, layout: CopyLayout) {
    this.#sink = sink;
    this.#layout = layout;
  }

  /** Whether the manifest came to its end. */
  get isManifestWhole(): boolean {
    return this.#isManifestWhole;
  }

  startCopy(): void {
    const archive = this.#layout.startCopy();
    if (archive !== undefined) this.#startArchive(archive);
  }

  endCopy(): void {
    this.#endArchive();
    this.#sink.progress?.(BigInt(this.#doneBytes));
  }

  data(part: MessagePart): void | Promise<void> {
    const content = this.#layout.read(part);
    if (content.kind === 'bytes') return this.#bytes(content.bytes);
    // The server's own count is left aside: ours tells the same without its pauses of a second.
    if (content.kind === 'archive') this.#startArchive(content.archive);
    return undefined;
  }

  #bytes(bytes: Buffer): void | Promise<void> {
    if (this.#archive?.kind === 'manifest') return this.#sink.manifest(bytes);
    if (this.#tar === undefined) throw violation('data came before its archive was named');
    this.#doneBytes += bytes.length;
    if (this.#doneBytes - this.#reportedBytes >= PROGRESS_STEP_BYTES) {
      this.#reportedBytes = this.#doneBytes;
      this.#sink.progress?.(BigInt(this.#doneBytes));
    }
    return this.#tar.push(bytes);
  }

  #startArchive(archive: Archive): void {
    this.#endArchive();
    this.#archive = archive;
    this.#tar = archive.kind === 'tablespace' ? new TarReader(this.#tarSink(archive.oid)) : undefined;
  }

  #endArchive(): void {
    this.#tar?.end();
    this.#tar = undefined;
    if (this.#archive?.kind === 'manifest') this.#isManifestWhole = true;
    this.#archive = undefined;
  }

  #tarSink(oid: string | undefined): TarSink {
    return {
      entry: (entry) => this.#sink.entry(entry, oid),
      data: (chunk) => this.#sink.data(chunk),
      endEntry: () => this.#sink.endEntry(),
    };
  }
}
