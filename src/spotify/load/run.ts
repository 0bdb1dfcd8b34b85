import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { copyInStream } from '../../postgres/copy-stream.ts';
import { cleanseBatch, linkCanonicalTracks, type Finding, type StepRun } from './cleanse.ts';
import { rowsOf, type CopyRows } from './copy-rows.ts';
import { toUtf8 } from './encoding.ts';
import { isLoadable, LISTENER, type Loadable, type SourceFormat } from './formats.ts';
import type { LoadSource } from './inspect.ts';
import { landingError, notReady } from './landing-errors.ts';
import { listenerOfFolders } from './listener.ts';
import { refreshMarts, type MartsOutcome } from './marts.ts';

export interface LoadOptions {
  /** Whose data it is; without one, the name of the nearest folder around that says something. */
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
 * Lands one file in raw, in one transaction, then cleanses it into core, in another. A file whose content is there
 * already adds nothing; when its cleansing had failed or was cut off, that is done now.
 *
 * @throws {DbadminError} `load-failed` naming file and line: nothing of the file was kept; `usage` without a listener.
 */
export async function loadSource(sql: postgres.Sql, source: LoadSource, options: LoadOptions): Promise<LoadResult> {
  const format = source.recognised;
  if (!isLoadable(format)) throw refuseSource(source);
  const listener = listenerOf(source, format, options.listener);
  const startedMs = performance.now();
  const known = (await mayBeThere(sql, source, format.kind, listener))
    ? await findBatch(sql, format.kind, listener, await contentHash(source, options.signal))
    : undefined;
  const landed =
    known === undefined
      ? await land(sql, source, format, listener, options)
      : { batchId: known, rows: 0, status: 'already received' as const };
  const receiveMs = performance.now() - startedMs;
  const cleansed = await cleanseBatch(sql, format.kind, landed.batchId, source.name);
  return {
    name: source.name,
    format: format.kind,
    listener,
    batchId: landed.batchId,
    rowsReceived: landed.rows,
    status: landed.status,
    receiveMs,
    run: cleansed?.run,
    findings: cleansed?.findings ?? [],
  };
}

/** For after the last file: links duplicates by meaning, then brings the marts up to date unless that is not wanted. */
export async function finishLoad(
  sql: postgres.Sql,
  { marts }: { readonly marts: boolean },
): Promise<{ readonly findings: readonly Finding[]; readonly marts: MartsOutcome }> {
  const findings = await linkCanonicalTracks(sql);
  return { findings, marts: marts ? await refreshMarts(sql) : { status: 'skipped' } };
}

export const LOADABLE_HINT =
  'These can be loaded: songs, playlists and charts (CSV), charts (JSON), streaming histories, playlists and library of an account export (JSON, or its zip), pages of the Web API (JSON).';

/** Why a file cannot be loaded, as an error. */
export function refuseSource(source: LoadSource): DbadminError {
  const recognised = source.recognised;
  const reason = 'reason' in recognised ? recognised.reason : 'cannot be loaded';
  const hint =
    recognised.kind === 'unsupported'
      ? recognised.hint
      : recognised.kind === 'damaged'
        ? 'Download or copy it again: nothing of it was kept.'
        : LOADABLE_HINT;
  return new DbadminError('load-failed', `${source.name} ${reason}`, { hint });
}

function listenerOf(source: LoadSource, { kind, isPersonal }: Loadable, given: string | undefined): string | undefined {
  if (LISTENER[kind] === 'never') return undefined;
  if (given !== undefined && given !== '') return given;
  return LISTENER[kind] === 'always' || isPersonal === true ? folderName(source) : undefined;
}

function folderName(source: LoadSource): string {
  const name = listenerOfFolders(source.folders);
  if (name !== undefined) return name;
  throw new DbadminError('usage', `${source.name === '-' ? 'an account export' : source.name} does not say whose it is`, {
    hint: 'Give --listener NAME.',
  });
}

async function contentHash(source: LoadSource, signal: AbortSignal): Promise<Buffer> {
  const sha256 = createHash('sha256');
  for await (const chunk of source.open()) {
    signal.throwIfAborted();
    sha256.update(chunk);
  }
  return sha256.digest();
}

/** Whether the file should be read once more, before it is landed: only one of its size can be the same. */
async function mayBeThere(sql: postgres.Sql, source: LoadSource, format: SourceFormat, listener: string | undefined): Promise<boolean> {
  if (!source.canReopen) return false;
  const [there] = await sql`
    select where exists (
      select from raw.batch
      where source = ${format} and coalesce(listener_name, '') = ${listener ?? ''} and (size_bytes = ${source.sizeBytes} or ${source.sizeBytes} = 0)
    )`.catch((error: unknown) => {
    throw notReady(error) ?? error;
  });
  return there !== undefined;
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
  format: Loadable,
  listener: string | undefined,
  options: LoadOptions,
): Promise<Landed> {
  const sha256 = createHash('sha256');
  let digest: Buffer | undefined;
  let rows: CopyRows | undefined;
  try {
    return await sql.begin(async (transaction) => {
      const [next] = await transaction<{ id: string }[]>`select nextval('raw.batch_batch_id_seq'::regclass) as id`;
      const batchId = next?.id ?? '';
      rows = rowsOf(format, batchId, new Date());
      const sizeBytes = await copyRows(transaction, source, format, rows, sha256, options);
      digest = sha256.digest();
      await transaction`
        insert into raw.batch (batch_id, source, file_name, archive_name, listener_name, encoding, content_sha256, size_bytes, row_count)
        overriding system value
        values (${batchId}, ${format.kind}, ${source.fileName}, ${source.archiveName ?? null}, ${listener ?? null}, ${format.encoding},
          ${digest}, ${sizeBytes}, ${rows.rows})`;
      return { batchId, rows: rows.rows, status: 'received' as const };
    });
  } catch (error) {
    // Standard input cannot be hashed first, and two loads may meet: the unique key tells then.
    if (digest !== undefined && systemCodeOf(error) === '23505' && messageOf(error).includes('batch_content_key')) {
      const batchId = await findBatch(sql, format.kind, listener, digest);
      if (batchId !== undefined) return { batchId, rows: 0, status: 'already received' };
    }
    throw landingError(source.name, error, options.signal.aborted, rows);
  }
}

/** Streams the file through COPY; gives its size. */
async function copyRows(
  transaction: postgres.TransactionSql,
  source: LoadSource,
  format: Loadable,
  rows: CopyRows,
  sha256: ReturnType<typeof createHash>,
  options: LoadOptions,
): Promise<number> {
  let doneBytes = 0;
  const decoder = toUtf8(format.encoding);
  const produce = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of source.open()) {
      sha256.update(chunk);
      doneBytes += chunk.length;
      yield* rows.push(decoder.push(chunk));
      options.onProgress(source, doneBytes, rows.rows);
    }
    yield* rows.push(decoder.end());
    yield* rows.end();
  };
  // The statement needs the header, and the header comes with the first rows.
  const chunks = produce();
  const first = await chunks.next();
  if (first.done === true) {
    rows.statement();
    return doneBytes;
  }
  const copy = await copyInStream(transaction, rows.statement());
  const all = async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    yield* chunks;
  };
  await pipeline(all(), copy, { signal: options.signal });
  return doneBytes;
}
