import { DbadminError } from '../../base/errors.ts';
import type { BaseBackupSink } from '../../postgres/base-backup.ts';
import { parseControlFile } from '../../postgres/control-file.ts';
import { isIncrementalPath, pathOfIncremental } from '../../postgres/incremental-file.ts';
import type { TarEntry } from '../../postgres/tar.ts';
import type { DirectoryEntry, SymlinkEntry } from '../../repository/manifest.ts';
import { isForeignLink, isMarker } from '../restore/left-out.ts';
import { ChangedFile } from './changed-file.ts';
import { WholeFile, type FileAttributes, type Intake } from './whole-file.ts';

/** Begins and ends of the streams that feed a {@link ContentSink}. */
export interface ContentSinkEvents {
  begin(info: Parameters<BaseBackupSink['begin']>[0]): void | Promise<void>;
  /** Bytes received so far, and the bytes expected in all. */
  /** How much will come is not known where only what changed does. */
  progress(doneBytes: number, totalBytes: number | undefined): void;
}

type OpenFile = WholeFile | ChangedFile | BackupLabel | ReadControlFile | typeof NOT_TAKEN;

/** The mark that a killed restore left in the cluster is nothing of the cluster's. */
const NOT_TAKEN = { take: (): void => undefined, finish: async (): Promise<void> => await Promise.resolve() } as const;

const PERMISSION_BITS = 0o7777;

/** The content of a base backup on its way to its repositories; afterwards every file was given to the intake. */
export class ContentSink implements BaseBackupSink {
  /** Directories and links, parents first. */
  readonly entries: (DirectoryEntry | SymlinkEntry)[] = [];
  /** Links that came and are not in the backup. */
  readonly foreignLinks: string[] = [];
  receivedBytes = 0;
  tablespaces: readonly { readonly oid: string; readonly location: string }[] = [];
  /** When the checkpoint in pg_control began, by the server's clock; undefined where that says nothing. */
  checkpointAt: Date | undefined;
  readonly #intake: Intake;
  readonly #isIncremental: boolean;
  readonly #events: ContentSinkEvents;
  #totalBytes: number | undefined;
  #file: OpenFile | undefined;
  #manifest: WholeFile | undefined;

  constructor(intake: Intake, isIncremental: boolean, events: ContentSinkEvents) {
    this.#intake = intake;
    this.#isIncremental = isIncremental;
    this.#events = events;
  }

  begin(info: Parameters<BaseBackupSink['begin']>[0]): void | Promise<void> {
    // The server tells the size of the cluster in any case.
    this.#totalBytes = this.#isIncremental ? undefined : info.totalBytes;
    this.tablespaces = info.tablespaces.map(({ oid, location }) => ({ oid, location }));
    return this.#events.begin(info);
  }

  entry(entry: TarEntry, tablespaceOid: string | undefined): void {
    const inside = entry.path.replace(/^\.\//, '').replace(/\/+$/, '');
    const path =
      tablespaceOid === undefined ? inside : inside === '' ? `pg_tblspc/${tablespaceOid}` : `pg_tblspc/${tablespaceOid}/${inside}`;
    const mode = entry.mode & PERMISSION_BITS;
    const { modifiedAt } = entry;
    if (entry.type === 'directory') {
      // The root of a tablespace's archive: its link in pg_tblspc says the same and comes with the base archive.
      if (inside !== '') this.entries.push({ path, type: 'directory', mode, modifiedAt });
    } else if (entry.type === 'symlink' && isForeignLink(path)) {
      this.foreignLinks.push(path);
    } else if (entry.type === 'symlink') {
      this.entries.push({ path, type: 'symlink', target: entry.linkTarget ?? '' });
    } else {
      this.#file = this.#open({ path, mode, modifiedAt }, entry.sizeBytes);
    }
  }

  data(chunk: Uint8Array): void | Promise<void> {
    if (this.#file === undefined) throw new DbadminError('protocol-violation', 'the base backup sent content outside a file');
    this.receivedBytes += chunk.byteLength;
    this.#events.progress(this.receivedBytes, this.#totalBytes);
    return this.#file.take(chunk);
  }

  async endEntry(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.finish();
  }

  /** The server's manifest describes what it sent: of an incremental backup that is not what will be restored. */
  manifest(chunk: Uint8Array): void | Promise<void> {
    if (this.#isIncremental) return undefined;
    this.#manifest ??= new WholeFile({ path: 'backup_manifest', mode: 0o600, modifiedAt: 0 }, undefined, this.#intake);
    return this.#manifest.take(chunk);
  }

  /** Takes in the server's manifest once the stream has ended. */
  async finish(): Promise<void> {
    await this.#manifest?.finish();
  }

  #open(attributes: FileAttributes, sizeBytes: number): OpenFile {
    if (isMarker(attributes.path)) return NOT_TAKEN;
    if (attributes.path === 'global/pg_control')
      return new ReadControlFile(new WholeFile(attributes, sizeBytes, this.#intake), (at) => (this.checkpointAt = at));
    if (!this.#isIncremental) return new WholeFile(attributes, sizeBytes, this.#intake);
    if (attributes.path === 'backup_label') return new BackupLabel(attributes, this.#intake);
    if (!isIncrementalPath(attributes.path)) return new WholeFile(attributes, sizeBytes, this.#intake);
    return new ChangedFile({ ...attributes, path: pathOfIncremental(attributes.path) }, sizeBytes, this.#intake);
  }
}

/** The label of an incremental backup without the lines that say so: a server refuses to start from them, and what is restored is whole. */
class BackupLabel {
  readonly #attributes: FileAttributes;
  readonly #intake: Intake;
  readonly #pieces: Buffer[] = [];

  constructor(attributes: FileAttributes, intake: Intake) {
    this.#attributes = attributes;
    this.#intake = intake;
  }

  take(chunk: Uint8Array): void {
    this.#pieces.push(Buffer.from(chunk));
  }

  async finish(): Promise<void> {
    const text = Buffer.concat(this.#pieces)
      .toString('latin1')
      .replaceAll(/^INCREMENTAL FROM (?:LSN|TLI): .*\n/gm, '');
    const bytes = Buffer.from(text, 'latin1');
    const file = new WholeFile(this.#attributes, bytes.byteLength, this.#intake);
    await file.take(bytes);
    await file.finish();
  }
}

/** pg_control, taken in as it is and looked into on the way. */
class ReadControlFile {
  readonly #file: WholeFile;
  readonly #onCheckpoint: (at: Date) => void;
  readonly #pieces: Buffer[] = [];

  constructor(file: WholeFile, onCheckpoint: (at: Date) => void) {
    this.#file = file;
    this.#onCheckpoint = onCheckpoint;
  }

  take(chunk: Uint8Array): void | Promise<void> {
    this.#pieces.push(Buffer.from(chunk));
    return this.#file.take(chunk);
  }

  async finish(): Promise<void> {
    await this.#file.finish();
    try {
      this.#onCheckpoint(new Date(parseControlFile(Buffer.concat(this.#pieces)).checkpointAt * 1000));
    } catch (error) {
      // Damage is told where the backup is verified or restored.
      if (!(error instanceof DbadminError)) throw error;
    }
  }
}
