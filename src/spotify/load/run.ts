import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type postgres from 'postgres';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { cleanseBatch, linkCanonicalTracks, type Finding, type StepRun } from './cleanse.ts';
import { historyRows, songRows, type CopyRows } from './copy-rows.ts';
import { HEAD_BYTES, recogniseFormat, type Recognised, type SourceFormat } from './format.ts';

/** A file to load, or standard input. */
export interface LoadSource {
  /** What messages call it: the path as given, or `-`. */
  readonly name: string;
  /** Absolute path, or undefined for standard input. */
  readonly file: string | undefined;
  readonly recognised: Recognised;
  /** 0 when unknown. */
  readonly sizeBytes: number;
  /** What follows the head that was read to recognise it; standard input can be read once only. */
  readonly open: () => AsyncIterable<Buffer>;
}

export interface LoadOptions {
  /** Whose history it is; without one, the name of the directory that holds the file. */
  readonly listener: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (source: LoadSource, doneBytes: number, rows: number) => void;
}

/** What became of one file. */
export type LoadResult = {
  readonly name: string;
  readonly format: SourceFormat;
  readonly listener: string | undefined;
  readonly batchId: string;
  /** Rows added to raw: 0 when the content was there already. */
  readonly rowsReceived: number;
  readonly status: 'received' | 'already received';
  readonly receiveMs: number;
  /** The cleansing that ran now; undefined when it had run before. */
  readonly run: StepRun | undefined;
  readonly findings: readonly Finding[];
};

/**
 * The files below `target` that could be loaded, in the order of their names; for a file just that one.
 *
 * @throws {DbadminError} `file-unreadable`.
 */
export async function findSources(target: string, stdin: NodeJS.ReadableStream, cwd: string): Promise<readonly LoadSource[]> {
  if (target === '-') return [await standardInput(stdin)];
  const file = path.resolve(cwd, target);
  const info = await stat(file).catch((error: unknown) => {
    throw new DbadminError('file-unreadable', `cannot read ${target}`, { detail: messageOf(error), cause: error });
  });
  if (!info.isDirectory()) return [await fileSource(target, file)];
  const names = (await readdir(file, { recursive: true })).filter((name) => /\.(csv|json|zip)$/i.test(name)).sort();
  return await Promise.all(names.map(async (name) => await fileSource(path.join(target, name), path.join(file, name))));
}

async function fileSource(name: string, file: string): Promise<LoadSource> {
  try {
    const handle = await open(file, 'r');
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
      const { size } = await handle.stat();
      const recognised = recogniseFormat(head.subarray(0, bytesRead));
      return { name, file, recognised, sizeBytes: size, open: () => createReadStream(file, { highWaterMark: HEAD_BYTES }) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${name}`, { detail: messageOf(error), cause: error });
  }
}

/** Standard input can be read once only: what is read to recognise it is given again. */
async function standardInput(stdin: NodeJS.ReadableStream): Promise<LoadSource> {
  const chunks = stdin[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let headBytes = 0;
  while (headBytes < HEAD_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(Buffer.from(next.value));
    headBytes += Buffer.byteLength(next.value);
  }
  return {
    name: '-',
    file: undefined,
    recognised: recogniseFormat(Buffer.concat(head).subarray(0, HEAD_BYTES)),
    sizeBytes: 0,
    open: async function* () {
      yield* head;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield Buffer.from(next.value);
    },
  };
}

/**
 * Lands one file in raw, in one transaction, then cleanses it into core, in another. A file whose content is there
 * already adds nothing; when its cleansing had failed or was cut off, that is done now.
 *
 * @throws {DbadminError} `load-failed` naming file and line: nothing of the file was kept; `usage` without a listener.
 */
export async function loadSource(sql: postgres.Sql, source: LoadSource, options: LoadOptions): Promise<LoadResult> {
  const format = source.recognised.kind;
  if (format !== 'songs' && format !== 'streaming_history') throw refuseSource(source);
  const listener = format === 'songs' ? undefined : listenerOf(source, options.listener);
  const startedMs = performance.now();
  const known = source.file === undefined ? undefined : await findBatch(sql, format, listener, await contentHash(source, options.signal));
  const landed =
    known === undefined
      ? await land(sql, source, format, listener, options)
      : { batchId: known, rows: 0, status: 'already received' as const };
  const receiveMs = performance.now() - startedMs;
  const cleansed = await cleanseBatch(sql, format, landed.batchId, source.name);
  return {
    name: source.name,
    format,
    listener,
    batchId: landed.batchId,
    rowsReceived: landed.rows,
    status: landed.status,
    receiveMs,
    run: cleansed?.run,
    findings: cleansed?.findings ?? [],
  };
}

/** Links duplicates by meaning; for after the last file. */
export async function finishLoad(sql: postgres.Sql): Promise<readonly Finding[]> {
  return await linkCanonicalTracks(sql);
}

/** Why a file cannot be loaded, as an error. */
export function refuseSource(source: LoadSource): DbadminError {
  const recognised = source.recognised;
  const reason = 'reason' in recognised ? recognised.reason : 'cannot be loaded';
  const hint =
    recognised.kind === 'unsupported'
      ? recognised.hint
      : 'Songs files (CSV) and streaming histories (StreamingHistory*.json) can be loaded.';
  return new DbadminError('load-failed', `${source.name} ${reason}`, { hint });
}

function listenerOf(source: LoadSource, given: string | undefined): string {
  if (given !== undefined && given !== '') return given;
  if (source.file === undefined) {
    throw new DbadminError('usage', 'a streaming history does not say whose it is', { hint: 'Give --listener NAME.' });
  }
  return path.basename(path.dirname(source.file));
}

async function contentHash(source: LoadSource, signal: AbortSignal): Promise<Buffer> {
  const sha256 = createHash('sha256');
  for await (const chunk of source.open()) {
    signal.throwIfAborted();
    sha256.update(chunk);
  }
  return sha256.digest();
}

async function findBatch(
  sql: postgres.Sql,
  format: SourceFormat,
  listener: string | undefined,
  sha256: Buffer,
): Promise<string | undefined> {
  const [row] = await sql<{ batch_id: string }[]>`
    select batch_id from raw.batch
    where source = ${format} and coalesce(listener_name, '') = ${listener ?? ''} and content_sha256 = ${sha256}`.catch((error: unknown) => {
    throw notReady(error) ?? error;
  });
  return row?.batch_id;
}

interface Landed {
  readonly batchId: string;
  readonly rows: number;
  readonly status: 'received' | 'already received';
}

async function land(
  sql: postgres.Sql,
  source: LoadSource,
  format: SourceFormat,
  listener: string | undefined,
  options: LoadOptions,
): Promise<Landed> {
  const sha256 = createHash('sha256');
  let digest: Buffer | undefined;
  try {
    return await sql.begin(async (transaction) => {
      const [next] = await transaction<{ id: string }[]>`select nextval('raw.batch_batch_id_seq'::regclass) as id`;
      const batchId = next?.id ?? '';
      const rows = format === 'songs' ? songRows(batchId) : historyRows(batchId);
      const sizeBytes = await copyRows(transaction, source, rows, sha256, options);
      digest = sha256.digest();
      await transaction`
        insert into raw.batch (batch_id, source, file_name, listener_name, content_sha256, size_bytes, row_count)
        overriding system value
        values (${batchId}, ${format}, ${path.basename(source.name)}, ${listener ?? null}, ${digest}, ${sizeBytes}, ${rows.rows})`;
      return { batchId, rows: rows.rows, status: 'received' as const };
    });
  } catch (error) {
    // Standard input cannot be hashed first, and two loads may meet: the unique key tells then.
    if (digest !== undefined && systemCodeOf(error) === '23505' && messageOf(error).includes('batch_content_key')) {
      const batchId = await findBatch(sql, format, listener, digest);
      if (batchId !== undefined) return { batchId, rows: 0, status: 'already received' };
    }
    throw landingError(source, error, options.signal);
  }
}

/** Streams the file through COPY; gives its size. */
async function copyRows(
  transaction: postgres.TransactionSql,
  source: LoadSource,
  rows: CopyRows,
  sha256: ReturnType<typeof createHash>,
  options: LoadOptions,
): Promise<number> {
  let doneBytes = 0;
  const produce = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of source.open()) {
      sha256.update(chunk);
      doneBytes += chunk.length;
      yield* rows.push(chunk);
      options.onProgress(source, doneBytes, rows.rows);
    }
    yield* rows.end();
  };
  // The statement needs the header, and the header comes with the first rows.
  const chunks = produce();
  const first = await chunks.next();
  if (first.done === true) {
    rows.statement();
    return doneBytes;
  }
  const query = transaction.unsafe(rows.statement());
  const copy = await query.writable();
  // Once the last row is sent, the library (postgres 3.4) gives the server's refusal to the query, whose promise was kept
  // when the stream came, and the stream waits for ever. The stream must hear of it.
  void Object.assign(query, { reject: (error: Error) => copy.destroy(error) });
  const all = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    yield* chunks;
  };
  await pipeline(all(), copy, { signal: options.signal });
  return doneBytes;
}

function landingError(source: LoadSource, error: unknown, signal: AbortSignal): DbadminError {
  if (signal.aborted) {
    return new DbadminError('interrupted', `interrupted while loading ${source.name}`, {
      detail: 'Nothing of the file was kept.',
      cause: error,
    });
  }
  if (isDbadminError(error)) {
    return new DbadminError(error.code, `${source.name}: ${error.message}`, {
      detail: ['Nothing of the file was kept.', error.detail].filter((part) => part !== undefined).join('\n'),
      hint: error.hint ?? 'Mend the line, or take it out, and load the file again.',
      cause: error,
    });
  }
  const reason = notReady(error);
  if (reason !== undefined) return reason;
  const where = typeof error === 'object' && error !== null && 'where' in error ? `\n${String(error.where)}` : '';
  return new DbadminError('load-failed', `${source.name} was refused by the server: ${messageOf(error)}`, {
    detail: `Nothing of the file was kept.${where}`,
    cause: error,
  });
}

/** The server's refusal in our words, when the warehouse is not there or this role may not load into it. */
function notReady(error: unknown): DbadminError | undefined {
  const code = systemCodeOf(error);
  if (code === '42P01' || code === '3F000') {
    return new DbadminError('load-failed', 'the database has no schema raw to load into', {
      hint: 'Create the warehouse first: dbadmin migrate.',
      cause: error,
    });
  }
  if (code === '42501') {
    return new DbadminError('privilege-missing', 'this role may not load', {
      detail: messageOf(error),
      hint: 'Connect as a member of warehouse_loader and warehouse_transformer: see roles/roles.yaml.',
      cause: error,
    });
  }
  return undefined;
}
