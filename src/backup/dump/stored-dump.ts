import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import { damaged, sealAtHand, sealStream, unsealStream } from '../../repository/envelope.ts';
import { blake3 } from '../../repository/hash.ts';
import { readOr } from '../../repository/passed-over.ts';
import type { Repository } from '../../repository/repository.ts';
import { unpackArchive } from './archive-run.ts';
import { dumpManifestKey, dumpPrefix } from './layout.ts';
import { problemOfDump, type DumpedDatabase, type DumpedObject, type DumpManifest } from './manifest.ts';

const PIECE_BYTES = 1024 * 1024;
/** What pg_dump writes is compressed already. */
const LEVEL = 1;
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** What is to be stored, and can be read more than once. */
export interface StorableBody {
  readonly sizeBytes: number;
  read(): AsyncIterable<Buffer>;
}

export async function fileBody(file: string): Promise<StorableBody> {
  const { size } = await stat(file);
  return { sizeBytes: size, read: () => createReadStream(file, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer> };
}

/**
 * Gives what is to be stored: the body itself, so that pg_restore can read it from there with nothing of ours, or, for an
 * encrypted repository, what is sealed of it into `sealed`.
 */
export async function sealedBody(repository: Repository, key: string, body: StorableBody, sealed: string): Promise<StorableBody> {
  if (repository.keys === undefined) return body;
  await pipeline(Readable.from(sealStream(repository, 'dump', { key }, body.read(), LEVEL)), createWriteStream(sealed, { mode: 0o600 }));
  return await fileBody(sealed);
}

/** Stores the manifest, which makes it a dump. */
export async function writeDumpManifest(repository: Repository, keyPrefix: string, manifest: DumpManifest): Promise<void> {
  await requireStored(repository, manifest);
  const key = dumpManifestKey(keyPrefix, manifest.label);
  const text = textOf({ ...manifest, format: formatOf(manifest) });
  if (repository.keys === undefined) await repository.store.create(key, text);
  else await repository.store.create(key, await sealAtHand(repository, 'dump', { key }, one(text)));
}

/** Who was suspended in the middle for longer than anything takes finds what it stored removed, as that of a killed run. */
async function requireStored({ store }: Repository, { globals, databases }: DumpManifest): Promise<void> {
  for (const { key } of [globals, ...databases]) {
    if ((await store.stat(key)) !== undefined) continue;
    throw new DbadminError('storage-missing', `${key}, which belongs to this dump and was stored, is gone`, {
      detail:
        'What a dump has stored is removed as that of a killed run where nothing comes behind it for a week, as while a machine is suspended.',
      hint: 'Start again: what is taken anew is whole.',
    });
  }
}

/** @throws {DbadminError} `backup-missing` when there is no such dump, `repository-damaged`. */
export async function readDumpManifest(repository: Repository, keyPrefix: string, label: string): Promise<DumpManifest> {
  const key = dumpManifestKey(keyPrefix, label);
  if ((await repository.store.stat(key)) === undefined) {
    const labels = await listDumps(repository, keyPrefix);
    throw new DbadminError('backup-missing', `there is no dump ${label} in ${repository.store.description}`, {
      hint: labels.length === 0 ? 'It has none: dbadmin backup dump takes one.' : `It has ${labels.slice(-10).join(', ')}.`,
    });
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of openDumped(repository, key)) {
    bytes += piece.byteLength;
    if (bytes > MAX_MANIFEST_BYTES) throw damaged(key, 'It is longer than a manifest of a dump can be.');
    pieces.push(piece);
  }
  const manifest = parseManifest(Buffer.concat(pieces).toString('utf8'), key);
  if (manifest.label !== label) throw damaged(key, `It is the manifest of ${manifest.label}.`);
  return manifest;
}

/** The manifest of a dump that was listed; undefined where it cannot be read, or has gone meanwhile. */
export async function readableDumpManifest(repository: Repository, keyPrefix: string, label: string): Promise<DumpManifest | undefined> {
  return await readOr(repository, dumpManifestKey(keyPrefix, label), [], async () => {
    try {
      return await readDumpManifest(repository, keyPrefix, label);
    } catch (error) {
      if (isDbadminError(error, 'backup-missing')) return undefined;
      throw error;
    }
  });
}

/** @throws {DbadminError} `repository-damaged` when anything in it is not as it was written; `repository-format` for a format of a newer dbadmin. */
function parseManifest(text: string, key: string): DumpManifest {
  let manifest: Partial<DumpManifest> | null;
  try {
    manifest = JSON.parse(text) as Partial<DumpManifest> | null;
  } catch (error) {
    throw damaged(key, `It is not JSON: ${messageOf(error)}.`, error);
  }
  const format = manifest?.format;
  if (typeof format !== 'number') throw damaged(key, 'It does not say which format it has.');
  if (format !== 1 && format !== 2 && format !== 3) {
    throw new DbadminError('repository-format', `${key} has format ${String(format)}, and this dbadmin knows 1, 2 and 3`, {
      hint: 'Use the version of dbadmin that wrote it, or a newer one.',
    });
  }
  const { checksum: _, ...content } = manifest as DumpManifest & { readonly checksum?: string };
  if (format !== 1 && text !== textOf(content).toString('utf8')) throw damaged(key, 'Its checksum does not match its content.');
  const problem = problemOfDump(content);
  if (problem !== undefined) throw damaged(key, problem);
  return content;
}

/** The text of a manifest as it is stored, its checksum last: BLAKE3-256 of the text without that key. */
function textOf(manifest: DumpManifest): Buffer {
  const text = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
  return Buffer.from(text({ ...manifest, checksum: blake3(Buffer.from(text(manifest))).toString('hex') }));
}

/** The oldest format that has a checksum and can say what is held. Older tools read 2 on; an archive they would take for a custom dump, and 3 they refuse by name. */
export function formatOf({ databases }: Pick<DumpManifest, 'databases'>): 2 | 3 {
  return databases.some(({ format }) => format === 'directory') ? 3 : 2;
}

/** The labels of complete dumps, oldest first. */
export async function listDumps({ store }: Repository, keyPrefix: string): Promise<readonly string[]> {
  const prefix = dumpPrefix(keyPrefix);
  const labels: string[] = [];
  for await (const { key } of store.list(prefix)) {
    const [label, file] = key.slice(prefix.length).split('/');
    if (label !== undefined && file === 'manifest.json') labels.push(label);
  }
  return labels.sort();
}

/** What is stored is what was stored: the manifest's SHA-256 is of the object's very bytes. @throws {DbadminError} `repository-damaged`. */
export async function verifyStored({ store }: Repository, dumped: DumpedObject, signal: AbortSignal): Promise<void> {
  const sha256 = createHash('sha256');
  for await (const piece of store.readStream(dumped.key, signal)) sha256.update(piece);
  if (sha256.digest('hex') !== dumped.sha256) throw damaged(dumped.key, 'Its hash is not what its manifest says.');
}

/** Writes a dumped object to `place` as pg_dump wrote it, a file or a new directory. @throws {DbadminError} `repository-damaged`. */
export async function spoolDumped(
  repository: Repository,
  dumped: DumpedObject & Pick<DumpedDatabase, 'format'>,
  place: string,
  signal: AbortSignal,
): Promise<void> {
  const stored = await repository.store.stat(dumped.key);
  if (stored?.sizeBytes !== dumped.sizeBytes) throw damaged(dumped.key, 'It has not the size that its manifest says.');
  const plain = openDumped(repository, dumped.key, signal);
  if (dumped.format === 'directory') await unpackArchive(dumped.key, plain, place);
  else await pipeline(Readable.from(plain), createWriteStream(place, { flags: 'wx', mode: 0o600 }), { signal });
}

async function* openDumped(repository: Repository, key: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const stream = repository.store.readStream(key, signal);
  if (repository.keys !== undefined) yield* unsealDumped(repository, key, stream);
  else for await (const piece of stream) yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}

/** The plain bytes of an object of a dump in an encrypted repository, from what is stored. @throws {DbadminError} `repository-damaged`, also where it was made for another key. */
export function unsealDumped(repository: Repository, key: string, stored: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  return unsealStream(repository, 'dump', stored, key, ({ header }) => {
    if (header['key'] !== key) throw damaged(key, `It says that it is ${String(header['key'])}.`);
  });
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
