import { open, readFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { makeDirectories } from '../base/make-directories.ts';
import { auditDigest, auditLine, readAuditLines, type AuditEntry, type AuditTrail } from './audit.ts';

/** The audit trail on disk: lines are only ever added, each synced before what it tells of goes on. */
export class AuditFile {
  readonly #handle: FileHandle;
  readonly file: string;
  #digest: string;
  #sizeBytes: number;
  /** Lines of one process follow each other; two at once would both follow the same one. */
  #last: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, file: string, digest: string, sizeBytes: number) {
    this.#handle = handle;
    this.file = file;
    this.#digest = digest;
    this.#sizeBytes = sizeBytes;
  }

  /**
   * Opens the trail, or begins it.
   *
   * @throws {DbadminError} `file-unwritable`, `file-unreadable`.
   */
  static async open(file: string): Promise<AuditFile> {
    try {
      await makeDirectories(path.dirname(file), 0o700);
      const handle = await open(file, 'a', 0o600);
      const text = await readFile(file, 'utf8');
      // A line that a crash cut off stays, as a broken one; the next begins on its own.
      if (text !== '' && !text.endsWith('\n')) await handle.appendFile('\n');
      const { size } = await handle.stat();
      return new AuditFile(handle, file, readAuditLines(linesOf(text)).digest, size);
    } catch (error) {
      throw new DbadminError('file-unwritable', `cannot write the audit trail ${file}`, { detail: `${messageOf(error)}.`, cause: error });
    }
  }

  /**
   * Adds an entry and has it on disk.
   *
   * @throws {DbadminError} `file-unwritable`: what it tells of must not be done then.
   */
  async add(entry: AuditEntry): Promise<void> {
    const before = this.#last;
    const done = before.catch(() => undefined).then(async () => await this.#write(entry));
    this.#last = done;
    await done;
  }

  async #write(entry: AuditEntry): Promise<void> {
    try {
      // Another console of this user may have added to it.
      if ((await this.#handle.stat()).size !== this.#sizeBytes) this.#digest = (await readAudit(this.file)).digest;
      const line = auditLine(entry, this.#digest);
      await this.#handle.appendFile(`${line}\n`);
      await this.#handle.sync();
      this.#sizeBytes = (await this.#handle.stat()).size;
      this.#digest = auditDigest(line);
    } catch (error) {
      throw new DbadminError('file-unwritable', `cannot write the audit trail ${this.file}`, {
        detail: `${messageOf(error)}.`,
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    await this.#handle.close();
  }
}

/** What the trail says; nothing when there is none yet. */
export async function readAudit(file: string): Promise<AuditTrail> {
  try {
    return readAuditLines(linesOf(await readFile(file, 'utf8')));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return readAuditLines([]);
    throw new DbadminError('file-unreadable', `cannot read the audit trail ${file}`, { detail: `${messageOf(error)}.`, cause: error });
  }
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
