import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { openTableReader, rowSecurityRefusal, TEXT_SETTINGS } from '../../postgres/table-client.ts';
import { copyOut } from './copy-apply.ts';
import { inspectEncoding } from './copy-encoding.ts';
import { qualified } from './definition.ts';
import { inspectTable } from './definition-inspect.ts';
import { EXPORT_MANIFEST, EXPORT_ROWS, type ExportedTable } from './export-file.ts';
import { inLockedSnapshot } from './lock-apply.ts';

export interface ExportRequest {
  readonly parameters: ConnectionParameters;
  readonly schema: string;
  readonly name: string;
  /** Empty, or not there yet. */
  readonly directory: string;
  readonly clock: Clock;
  readonly tool: string;
  readonly signal: AbortSignal;
}

/**
 * Exports a table as it is at one moment: its rows as CSV, then its definition with their count and checksum. Whoever is truncating or
 * rewriting it is waited for.
 *
 * @throws {DbadminError} `usage` when there is no such table, `privilege-missing` when a policy would leave rows out or without
 * SELECT on the table, `refused` when the directory holds anything, `file-unwritable`, `storage-full`, `query-failed` for what else the
 * server, the connection or the disk may say.
 */
export async function exportTable(request: ExportRequest): Promise<ExportedTable> {
  const { directory, clock } = request;
  await makeEmpty(directory);
  const sql = await openTableReader(request.parameters);
  try {
    return await inLockedSnapshot(sql, request, async (transaction) => {
      const table = await inspectTable(transaction, request.schema, request.name);
      const [server] = await transaction<{ version: number; rows: string }[]>`
        select current_setting('server_version_num')::int as version`;
      const [count] = await transaction.unsafe<{ rows: string }[]>(
        `SELECT count(*)::text AS rows FROM ${qualified(table.schema, table.name)}`,
      );
      const encoding = await inspectEncoding(transaction);
      const written = await writeRows(request, await copyOut(transaction, table, encoding));
      const exported: ExportedTable = {
        format: 1,
        table,
        rows: Number(count?.rows ?? 0),
        ...written,
        textSettings: TEXT_SETTINGS,
        encoding,
        exportedAt: clock.now().toISOString(),
        serverVersion: server?.version ?? 0,
        tool: request.tool,
      };
      await writeManifest(directory, exported);
      return exported;
    });
  } catch (error) {
    throw rowSecurityRefusal(request.parameters, error) ?? failed(request, error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** What nobody has put into words yet. An end that was asked for, or a mistake of our own, stays as it is. */
function failed({ schema, name, directory, signal }: ExportRequest, error: unknown): unknown {
  if (error instanceof DbadminError || signal.aborted || systemCodeOf(error) === undefined) return error;
  return new DbadminError('query-failed', `${qualified(schema, name)} was not exported: ${directory} holds no ${EXPORT_MANIFEST}`, {
    detail: `${messageOf(error)}.`,
    cause: error,
  });
}

async function makeEmpty(directory: string): Promise<void> {
  try {
    await makeDirectories(directory, 0o700);
    if ((await readdir(directory)).length === 0) return;
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write to ${directory}`, { detail: messageOf(error), cause: error });
  }
  throw new DbadminError('refused', `${directory} is not empty`, { hint: 'Export into a directory that is empty or does not exist yet.' });
}

async function writeRows({ directory, signal }: ExportRequest, csv: NodeJS.ReadableStream): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      done(null, chunk);
    },
  });
  try {
    await pipeline(csv, counting, createWriteStream(path.join(directory, EXPORT_ROWS), { mode: 0o600, flush: true }), { signal });
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOSPC') throw error;
    throw new DbadminError('storage-full', `there is no room for the rows in ${directory}`, { cause: error });
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

async function writeManifest(directory: string, exported: ExportedTable): Promise<void> {
  const beside = path.join(directory, `${EXPORT_MANIFEST}.tmp`);
  const file = await open(beside, 'wx', 0o600);
  await file.writeFile(`${JSON.stringify(exported, undefined, 2)}\n`);
  await file.sync();
  await file.close();
  await rename(beside, path.join(directory, EXPORT_MANIFEST));
}
