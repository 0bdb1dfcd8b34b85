import { DbadminError, systemCodeOf } from '../base/errors.ts';
import { ArchiveSplitter, CopyPerArchive, SingleCopy } from './base-backup-archives.ts';
import { baseBackupCommand, type BaseBackupOptions } from './base-backup-command.ts';
import { parseLsn } from './lsn.ts';
import { BACKEND, violation } from './messages.ts';
import type { MessagePart } from './message-reader.ts';
import { describeServerMessage, parseServerMessage, PostgresError } from './postgres-error.ts';
import type { ReplicationConnection } from './replication.ts';
import { ResultCollector } from './simple-query.ts';
import type { TarEntry } from './tar.ts';

export type { BaseBackupOptions } from './base-backup-command.ts';
export type { TarEntry } from './tar.ts';

/** A tablespace beside the two that every cluster has. */
export interface Tablespace {
  readonly oid: string;
  /** Its directory on the server, for people: bytes that are not UTF-8 are U+FFFD. */
  readonly location: string;
  /** An estimate by the server. */
  readonly sizeBytes: number;
}

export interface BaseBackupStart {
  readonly startLsn: bigint;
  readonly timeline: number;
  readonly tablespaces: readonly Tablespace[];
  /** An estimate by the server of all it will send. */
  readonly totalBytes: number;
}

/**
 * Gets a base backup as it comes. A promise that a method returns is awaited before the next call; returning none is
 * faster. The server is slowed down meanwhile.
 */
export interface BaseBackupSink {
  begin(start: BaseBackupStart): void | Promise<void>;
  /** `tablespaceOid` is undefined for the data directory; paths are relative to it or to the tablespace's directory. */
  entry(entry: TarEntry, tablespaceOid: string | undefined): void | Promise<void>;
  /** The next bytes of the current entry: a view, valid until the returned promise resolves. */
  data(chunk: Uint8Array): void | Promise<void>;
  endEntry(): void | Promise<void>;
  /** The next bytes of backup_manifest: a view, valid until the returned promise resolves. */
  manifest(chunk: Uint8Array): void | Promise<void>;
  progress?(doneBytes: bigint): void;
}

export interface BaseBackupResult {
  readonly startLsn: bigint;
  readonly startTimeline: number;
  /** The backup is consistent once WAL up to here is replayed. */
  readonly stopLsn: bigint;
  readonly stopTimeline: number;
  /** What the server warned of, such as pages with wrong checksums. */
  readonly warnings: readonly string[];
  /** Set when everything came but the server found damaged pages: what it said. */
  readonly damage: string | undefined;
}

const DATA_CORRUPTED = 'XX001';

/**
 * Takes a base backup over `connection` into `sink`. Resolves only after the server's error-free end, or when all came and
 * the server then said that it met damaged pages. After any other failure the connection is cut and the sink's content
 * is to be thrown away.
 *
 * @throws {DbadminError} `backup-failed` with what the server said, `connection-failed`; what the sink threw; the signal's reason.
 */
export async function runBaseBackup(
  connection: ReplicationConnection,
  options: BaseBackupOptions,
  sink: BaseBackupSink,
): Promise<BaseBackupResult> {
  options.signal?.throwIfAborted();
  const command = baseBackupCommand(connection.serverMajor, options);
  const onAbort = (): void => connection.destroy(abortReason(options.signal));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    connection.wire.takeNotices();
    connection.wire.sendQuery(command);
    return await new BaseBackupRun(connection, sink).run();
  } catch (error) {
    const failure = backupFailure(error);
    connection.destroy(failure);
    options.signal?.throwIfAborted();
    throw failure;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
}

class BaseBackupRun {
  readonly #connection: ReplicationConnection;
  readonly #sink: BaseBackupSink;
  readonly #results = new ResultCollector();
  #splitter: ArchiveSplitter | undefined;
  #startLsn = 0n;
  #startTimeline = 0;
  #error: PostgresError | undefined;

  constructor(connection: ReplicationConnection, sink: BaseBackupSink) {
    this.#connection = connection;
    this.#sink = sink;
  }

  async run(): Promise<BaseBackupResult> {
    const { wire } = this.#connection;
    for (;;) {
      const part = wire.tryReadPart();
      if (part === undefined) {
        await this.#more();
        continue;
      }
      if (part.type === BACKEND.copyData) {
        if (this.#splitter === undefined) throw violation('data came before the list of tablespaces');
        const pending = this.#splitter.data(part);
        if (pending instanceof Promise) await pending;
      } else if (part.type === BACKEND.readyForQuery) {
        return this.#result();
      } else {
        await this.#control(part);
      }
    }
  }

  async #more(): Promise<void> {
    try {
      await this.#connection.wire.more();
    } catch (lost) {
      throw this.#error ?? lost;
    }
  }

  async #control(part: MessagePart): Promise<void> {
    switch (part.type) {
      case BACKEND.errorResponse:
        this.#error ??= new PostgresError(parseServerMessage(part.bytes));
        return;
      case BACKEND.copyOutResponse:
        // The list of tablespaces ended with a CommandComplete just before.
        this.#splitter ??= await this.#begin();
        this.#splitter.startCopy();
        return;
      case BACKEND.copyDone:
        this.#splitter?.endCopy();
        return;
      case BACKEND.rowDescription:
      case BACKEND.dataRow:
      case BACKEND.commandComplete:
        this.#results.add({ type: part.type, body: part.bytes });
        return;
      default:
        throw violation(`message type 0x${part.type.toString(16)} came during a base backup`);
    }
  }

  async #begin(): Promise<ArchiveSplitter> {
    const [start, list] = this.#results.results;
    const row = start?.rows[0];
    if (row === undefined || list === undefined) throw violation('the base backup began without its start position');
    this.#startLsn = parseLsn(row[0] ?? '');
    this.#startTimeline = Number(row[1]);
    const tablespaces: Tablespace[] = [];
    let totalBytes = 0;
    for (const [oid, location, sizeKb] of list.rows) {
      const sizeBytes = Number(sizeKb ?? 0) * 1024;
      totalBytes += sizeBytes;
      if (oid !== undefined) tablespaces.push({ oid, location: location ?? '', sizeBytes });
    }
    const order = list.rows.map(([oid]) => oid);
    await this.#sink.begin({ startLsn: this.#startLsn, timeline: this.#startTimeline, tablespaces, totalBytes });
    return new ArchiveSplitter(this.#sink, this.#connection.serverMajor >= 15 ? new SingleCopy() : new CopyPerArchive(order));
  }

  #result(): BaseBackupResult {
    const stop = this.#results.results[2]?.rows[0];
    const isWhole = stop !== undefined && this.#splitter?.isManifestWhole === true;
    if (this.#error !== undefined && !(isWhole && this.#error.code === DATA_CORRUPTED)) throw this.#error;
    if (!isWhole) throw violation('the base backup ended without its manifest or its stop position');
    return {
      startLsn: this.#startLsn,
      startTimeline: this.#startTimeline,
      stopLsn: parseLsn(stop[0] ?? ''),
      stopTimeline: Number(stop[1]),
      warnings: this.#connection.wire.takeNotices().map((notice) => describeServerMessage(notice)),
      damage: this.#error === undefined ? undefined : describeServerMessage(this.#error),
    };
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DbadminError('interrupted', 'the base backup was interrupted');
}

function backupFailure(error: unknown): Error {
  if (!(error instanceof PostgresError)) return error instanceof Error ? error : new Error(String(error));
  return new DbadminError('backup-failed', 'the server gave up the base backup', {
    detail: describeServerMessage(error),
    hint: hintFor(error),
    cause: error,
  });
}

function hintFor(error: PostgresError): string | undefined {
  // A role without REPLICATION got no connection: this is of a file.
  if (systemCodeOf(error) === '42501')
    return "The server's own user has to be able to read every file of the cluster, whoever put it there.";
  return error.hint;
}
