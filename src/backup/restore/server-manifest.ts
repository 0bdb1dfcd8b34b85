import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import type { SystemUser } from '../../postgres/server.ts';
import { configurationBytes } from '../configuration-text.ts';
import { writeFailure } from './lay-down-apply.ts';
import { syncDirectory } from './marker.ts';

const READ_BYTES = 1024 * 1024;
const FILES = '"Files": [';
const CHECKSUM = '"Manifest-Checksum"';
/** Follows its name until it is whole. */
const UNFINISHED = '.dbadmin';

/**
 * Writes a server's `backup_manifest` anew with the files of `changed` as they are now: listed where they were not, their
 * line replaced where they were, without checksums of their own; and its own checksum made anew.
 *
 * The text is edited line by line and not parsed: for 200,000 relations it is 30 MB, and the checksum covers its very bytes.
 *
 * @throws {DbadminError} `restore-failed` when it is no backup manifest; `storage-full`, `file-unwritable`.
 * @see https://www.postgresql.org/docs/current/backup-manifest-format.html
 */
export async function rewriteServerManifest(
  file: string,
  changed: ReadonlyMap<string, string>,
  owner: SystemUser | undefined,
): Promise<void> {
  const unfinished = `${file}${UNFINISHED}`;
  try {
    const added = await missingFrom(file, [...changed.keys()]);
    const handle = await open(unfinished, 'w', 0o600);
    try {
      for await (const piece of edited(file, changed, added)) await handle.writeFile(piece);
      if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
    await syncDirectory(path.dirname(file));
  } catch (error) {
    throw error instanceof DbadminError ? error : writeFailure(file, error);
  }
}

/** Which of some files it does not list. */
async function missingFrom(file: string, paths: readonly string[]): Promise<readonly string[]> {
  const missing = new Set(paths);
  let [hasFiles, hasChecksum] = [false, false];
  for await (const lines of wholeLines(file)) {
    hasFiles ||= lines.includes(FILES);
    hasChecksum ||= lines.includes(CHECKSUM);
    for (const each of missing) if (lines.includes(beginning(each))) missing.delete(each);
  }
  if (!hasFiles || !hasChecksum) throw new DbadminError('restore-failed', `${file} is not a backup manifest`);
  return [...missing];
}

async function* edited(file: string, changed: ReadonlyMap<string, string>, added: readonly string[]): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let isBegun = false;
  for await (const lines of wholeLines(file)) {
    const begins: boolean = !isBegun && lines.includes(FILES);
    isBegun ||= begins;
    const replaced = [...changed.keys()].filter((each) => !added.includes(each));
    const text = withEntries(withReplaced(lines, replaced, changed), begins ? added.map((each) => entryOf(each, changed)) : []);
    const end = text.lastIndexOf(CHECKSUM);
    const body = end < 0 ? text : text.subarray(0, end);
    hash.update(body);
    yield body;
    if (end < 0) continue;
    yield Buffer.from(`${CHECKSUM}: "${hash.digest('hex')}"}\n`, 'utf8');
    return;
  }
}

function withReplaced(lines: Buffer, paths: readonly string[], changed: ReadonlyMap<string, string>): Buffer {
  let text = lines;
  for (const each of paths) {
    const at = text.indexOf(beginning(each));
    if (at >= 0) text = spliced(text, at, text.indexOf('}', at) + 1, entryOf(each, changed));
  }
  return text;
}

/** The lines with entries put before the first. */
function withEntries(lines: Buffer, entries: readonly string[]): Buffer {
  if (entries.length === 0) return lines;
  const at = lines.indexOf(FILES) + FILES.length;
  const isEmpty = /^\s*\]/.test(lines.toString('latin1', at, at + 100));
  return spliced(lines, at, at, `\n${entries.join(',\n')}${isEmpty ? '' : ','}`);
}

/** How the line of a file begins. */
function beginning(relative: string): string {
  return `{ "Path": ${JSON.stringify(relative)},`;
}

function entryOf(relative: string, changed: ReadonlyMap<string, string>): string {
  const sizeBytes = configurationBytes(changed.get(relative) ?? '').byteLength;
  return `${beginning(relative)} "Size": ${sizeBytes}, "Last-Modified": "1970-01-01 00:00:00 GMT" }`;
}

function spliced(text: Buffer, from: number, to: number, inserted: string): Buffer {
  return Buffer.concat([text.subarray(0, from), Buffer.from(inserted, 'utf8'), text.subarray(to)]);
}

/** A file in pieces, none of which ends within a line. */
async function* wholeLines(file: string): AsyncGenerator<Buffer> {
  let begun: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    const bytes = begun.byteLength === 0 ? chunk : Buffer.concat([begun, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end > 0) yield bytes.subarray(0, end);
    begun = bytes.subarray(end);
  }
  if (begun.byteLength > 0) yield begun;
}
