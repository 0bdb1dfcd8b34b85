import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import { DOCUMENT_BYTES, parseDocument } from './document-rows.ts';
import { recogniseDocument } from './documents.ts';
import { toUtf8 } from './encoding.ts';
import { HEAD_BYTES, recogniseFormat } from './format.ts';
import type { Recognised } from './formats.ts';
import { readArchive } from './inspect-archive.ts';

/** A file to load, a file of an archive, or standard input. */
export interface LoadSource {
  /** What messages call it: the path as given, in an archive behind the archive's; or `-`. */
  readonly name: string;
  readonly fileName: string;
  /** Name of the archive it lies in. */
  readonly archiveName: string | undefined;
  /** Names of the folders around it, nearest first, the archive's among them. */
  readonly folders: readonly string[];
  readonly recognised: Recognised;
  /** 0 when unknown. */
  readonly sizeBytes: number;
  /** Whether {@link open} may be called more than once: standard input can be read once only. */
  readonly canReopen: boolean;
  readonly open: () => AsyncIterable<Buffer>;
}

/** In one read: fewer and larger ones than a stream does by itself. */
const READ_BYTES = 262_144;

export interface FindOptions {
  readonly stdin: NodeJS.ReadableStream;
  readonly cwd: string;
  /** What files without a mark are written in; UTF-8 without one. */
  readonly encoding: string | undefined;
}

/**
 * The files below `target` that could be loaded, in the order of their names, archives opened; for a file just that one.
 *
 * @throws {DbadminError} `file-unreadable`.
 */
export async function findSources(target: string, options: FindOptions): Promise<readonly LoadSource[]> {
  if (target === '-') return [await standardInput(options)];
  const file = path.resolve(options.cwd, target);
  const info = await stat(file).catch((error: unknown) => {
    throw new DbadminError('file-unreadable', `cannot read ${target}`, { detail: messageOf(error), cause: error });
  });
  if (!info.isDirectory()) return await fileSources(target, file, options);
  const names = (await readdir(file, { recursive: true })).filter(mayBeLoaded).sort();
  const found: LoadSource[] = [];
  for (const name of names) found.push(...(await fileSources(path.join(target, name), path.join(file, name), options)));
  return found;
}

/** Copies that Macs put beside the files, and hidden files, are not data. */
function mayBeLoaded(name: string): boolean {
  return /\.(csv|tsv|json|zip)$/i.test(name) && !/(^|[/\\])(__MACOSX[/\\]|\.)/.test(name);
}

async function fileSources(name: string, file: string, options: FindOptions): Promise<readonly LoadSource[]> {
  const folders = path.dirname(file).split(path.sep).toReversed();
  try {
    const handle = await open(file, 'r');
    const { head, sizeBytes } = await (async () => {
      try {
        const buffer = Buffer.alloc(4);
        const { bytesRead } = await handle.read(buffer, 0, 4, 0);
        return { head: buffer.subarray(0, bytesRead), sizeBytes: (await handle.stat()).size };
      } finally {
        await handle.close();
      }
    })();
    if (isArchive(head)) return await archiveSources(name, file, folders, options);
    const read = (): AsyncIterable<Buffer> => createReadStream(file, { highWaterMark: READ_BYTES });
    const recognised = await recognise(read, sizeBytes, options.encoding);
    return [{ name, fileName: path.basename(file), archiveName: undefined, folders, recognised, sizeBytes, canReopen: true, open: read }];
  } catch (error) {
    if (isDbadminError(error)) throw error;
    throw new DbadminError('file-unreadable', `cannot read ${name}`, { detail: messageOf(error), cause: error });
  }
}

function isArchive(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && (head[2] ?? 9) < 9;
}

async function archiveSources(
  name: string,
  file: string,
  folders: readonly string[],
  options: FindOptions,
): Promise<readonly LoadSource[]> {
  const archiveName = path.basename(file);
  const around = [archiveName, ...folders];
  try {
    const files = await readArchive(file, (each) => mayBeLoaded(each) && !/\.zip$/i.test(each));
    const found: LoadSource[] = [];
    for (const each of files) {
      const parts = each.name.split('/');
      found.push({
        name: `${name}/${each.name}`,
        fileName: parts.at(-1) ?? each.name,
        archiveName,
        folders: [...parts.slice(0, -1).toReversed(), ...around],
        recognised: await recognise(each.open, each.sizeBytes, options.encoding),
        sizeBytes: each.sizeBytes,
        canReopen: true,
        open: each.open,
      });
    }
    if (found.length > 0) return found;
    return [refused(name, archiveName, around, { kind: 'unknown', reason: 'is an archive without a CSV or JSON file' })];
  } catch (error) {
    return [refused(name, archiveName, around, { kind: 'damaged', reason: `cannot be read: ${messageOf(error)}` })];
  }
}

function refused(name: string, fileName: string, folders: readonly string[], recognised: Recognised): LoadSource {
  const nothing = async function* (): AsyncGenerator<Buffer> {};
  return { name, fileName, archiveName: undefined, folders, recognised, sizeBytes: 0, canReopen: true, open: nothing };
}

/** What a file is, by its beginning; by the whole of it when that is one object of JSON. */
async function recognise(read: () => AsyncIterable<Buffer>, sizeBytes: number, encoding: string | undefined): Promise<Recognised> {
  let recognised;
  try {
    recognised = recogniseFormat(await readHead(read(), HEAD_BYTES), encoding);
    if (recognised.kind !== 'document') return recognised;
    if (sizeBytes > DOCUMENT_BYTES) return { kind: 'unknown', reason: 'is one JSON object of more than 64 MiB' };
    const decoder = toUtf8(recognised.encoding);
    const text = Buffer.concat([decoder.push(await readHead(read(), DOCUMENT_BYTES)), decoder.end()]);
    return recogniseDocument(parseDocument(text), recognised.encoding);
  } catch (error) {
    if (isDbadminError(error)) return { kind: 'damaged', reason: `cannot be read: ${error.message}` };
    throw error;
  }
}

async function readHead(chunks: AsyncIterable<Buffer>, bytes: number): Promise<Buffer> {
  const head: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    head.push(chunk);
    length += chunk.length;
    if (length >= bytes) break;
  }
  return Buffer.concat(head).subarray(0, bytes);
}

/** Standard input can be read once only: what is read to recognise it is given again. */
async function standardInput({ stdin, encoding }: FindOptions): Promise<LoadSource> {
  const chunks = stdin[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let headBytes = 0;
  const readUntil = async (bytes: number): Promise<Buffer> => {
    while (headBytes < bytes) {
      const next = await chunks.next();
      if (next.done === true) break;
      head.push(Buffer.from(next.value));
      headBytes += Buffer.byteLength(next.value);
    }
    return Buffer.concat(head);
  };
  const beginning = await readUntil(HEAD_BYTES);
  const again = async function* (): AsyncGenerator<Buffer> {
    yield beginning;
  };
  const isWhole = recogniseFormat(beginning.subarray(0, HEAD_BYTES), encoding).kind === 'document';
  const whole = isWhole ? await readUntil(DOCUMENT_BYTES + 1) : beginning;
  const recognised: Recognised = isArchive(beginning)
    ? { kind: 'unsupported', reason: 'is a zip archive', hint: 'Name its file: an archive is read from its end.' }
    : await recognise(
        isWhole
          ? async function* () {
              yield whole;
            }
          : again,
        whole.length,
        encoding,
      );
  return {
    name: '-',
    fileName: '-',
    archiveName: undefined,
    folders: [],
    recognised,
    sizeBytes: 0,
    canReopen: false,
    open: async function* () {
      yield* head;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield Buffer.from(next.value);
    },
  };
}
