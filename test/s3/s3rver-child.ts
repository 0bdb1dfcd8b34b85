import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/**
 * The npm package's S3 server, run as a program of its own: what {@link ServerTask} says stands in its first argument.
 *
 * S3 shows an object whole or not at all and answers a PUT once it is kept. The package writes under the object's own name
 * while it comes in, answers before all of it is written, and lists keys in the order of its file names. Under load a client
 * whose first attempt ran out of time met halves of it; here a body is taken in whole, then written in one go.
 */

/** What the program is told. */
export interface ServerTask {
  readonly directory: string;
  readonly port: number;
  readonly bucket: string;
  /** PEM files, for https. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

interface Content {
  readonly bucket: string;
  readonly key: string;
  readonly content: Buffer | AsyncIterable<Buffer>;
  readonly metadata: object;
}

interface ListOptions {
  readonly startAfter?: string;
  readonly maxKeys?: number;
}

interface Listing {
  readonly objects: readonly { readonly key: string }[];
  readonly isTruncated: boolean;
}

/** The parts of the package's store that are used here. */
interface Store {
  getBucketPath(bucket: string): string;
  getResourcePath(bucket: string, key: string | undefined, resource: string): string;
  putMetadata(bucket: string, key: string, metadata: object, md5: string): Promise<void>;
  listObjects(bucket: string, options: ListOptions): Promise<Listing>;
}

interface Server {
  store: Store;
  readonly context: { store: Store };
  /** Set by `run`. */
  readonly httpServer: { keepAliveTimeout: number };
  run(): Promise<unknown>;
}

const requirePackage = createRequire(import.meta.url);
const FilesystemStore = requirePackage('s3rver/lib/stores/filesystem') as new (directory: string) => Store;
const S3rver = requirePackage('s3rver') as new (options: object) => Server;

class WholeObjects extends FilesystemStore {
  async putObject({ bucket, key, content, metadata }: Content): Promise<Stored> {
    const bytes = await takeIn(content);
    const stored = { size: bytes.byteLength, md5: md5Of(bytes) };
    const target = this.getResourcePath(bucket, key, 'object');
    mkdirSync(path.dirname(target), { recursive: true });
    // Listed and found by its content, which comes last.
    await this.putMetadata(bucket, key, metadata, stored.md5);
    writeWhole(target, bytes);
    return stored;
  }

  async putPart(bucket: string, uploadId: string, partNumber: number, content: AsyncIterable<Buffer>): Promise<Stored> {
    const bytes = await takeIn(content);
    const stored = { size: bytes.byteLength, md5: md5Of(bytes) };
    const target = path.join(this.getResourcePath(bucket, undefined, 'uploads'), uploadId, String(partNumber));
    writeWhole(`${target}.md5`, Buffer.from(stored.md5));
    writeWhole(target, bytes);
    return stored;
  }

  override async listObjects(bucket: string, options: ListOptions): Promise<Listing> {
    const { startAfter = '', maxKeys = Infinity } = options;
    const all = await super.listObjects(bucket, { ...options, startAfter: '', maxKeys: Infinity });
    const objects = all.objects.filter(({ key }) => key > startAfter).sort((a, b) => (a.key < b.key ? -1 : 1));
    return { ...all, objects: objects.slice(0, maxKeys), isTruncated: objects.length > maxKeys };
  }
}

interface Stored {
  readonly size: number;
  readonly md5: string;
}

/** Throws when the client goes away before its end: then nothing is kept. */
async function takeIn(content: Buffer | AsyncIterable<Buffer>): Promise<Buffer> {
  if (Buffer.isBuffer(content)) return content;
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

function writeWhole(target: string, bytes: Uint8Array): void {
  writeFileSync(`${target}.new`, bytes);
  renameSync(`${target}.new`, target);
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

const { directory, port, bucket, certFile, keyFile } = JSON.parse(process.argv[2] ?? '') as ServerTask;
const server = new S3rver({
  address: '127.0.0.1',
  port,
  directory,
  silent: true,
  vhostBuckets: false,
  configureBuckets: [{ name: bucket, configs: [] }],
  ...(certFile === undefined || keyFile === undefined ? {} : { cert: readFileSync(certFile), key: readFileSync(keyFile) }),
});
server.store = server.context.store = new WholeObjects(directory);
await server.run();
// Node ends a connection that was idle for 5 s, and a request that is on its way at that moment has no answer: a client tries it again, but
// a test of the client that does not would fail.
server.httpServer.keepAliveTimeout = 600_000;
