import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { systemClock } from '../base/clock.ts';
import { DbadminError } from '../base/errors.ts';
import { collect, ownFailure } from './body.ts';
import { lockUnsupported, missingObject, shortObject } from './failures.ts';
import { checkKey, checkPrefix, checkRange, isKey } from './keys.ts';
import { createRetrier, type Retrier } from './retrier.ts';
import { nextMarkers, type Markers } from './s3-answers.ts';
import { createS3Client, type S3Place, type S3Timeouts } from './s3-client.ts';
import { createS3Object } from './s3-create.ts';
import { s3ErrorOf, s3Failure } from './s3-failures.ts';
import { readingParameters } from './s3-headers.ts';
import { retryRequest, type Again } from './s3-again.ts';
import { bucketLocks, deleteVersion, extendVersionLock, hideObject, insistOnLock, isLesserMode, type LockTarget } from './s3-lock.ts';
import { eraseVersions, showsVersions } from './s3-versions.ts';
import { placeNow } from './place-clock.ts';
import {
  lockMoment,
  type CreateOptions,
  type LockOutcome,
  type LockSupport,
  type ObjectBody,
  type ObjectStore,
  type StoreCapabilities,
  type StoredObject,
} from './store.ts';

export interface S3Options extends S3Place, S3Timeouts {
  /** Whether the server honours `If-None-Match: *`. Never guessed: {@link probeConditionalCreate} finds it out. */
  readonly conditionalCreate: boolean;
  /** Tries again the requests that one create is made of; unless given each is made once. */
  readonly again?: Retrier;
}

const ONCE = createRetrier({ attempts: 1, clock: systemClock, random: () => 0 });

/**
 * The store in a bucket. Nothing is asked of the server yet: `probe` proves that the bucket is there.
 *
 * @throws {DbadminError} `file-unreadable` when the CA file cannot be read.
 */
export async function openS3Store(options: S3Options): Promise<ObjectStore> {
  return new S3Store(options, await createS3Client(options, options));
}

class S3Store implements ObjectStore {
  readonly description: string;
  readonly capabilities: StoreCapabilities;
  readonly #place: S3Place;
  readonly #client: S3Client;
  readonly #again: Retrier;
  /** What stands before each key: empty, or the prefix and a slash. */
  readonly #before: string;
  /** Seen at the first object that was deleted: there is no version to look for, which would take a request for each. */
  #deletesPlainly = false;
  /** Asked at the first object whose version may not be deleted. */
  #lockKind: LockSupport['kind'] | undefined;

  constructor(options: S3Options, client: S3Client) {
    this.#place = options;
    this.#client = client;
    this.#again = options.again ?? ONCE;
    this.#before = options.prefix === '' ? '' : `${options.prefix}/`;
    this.description = `s3://${options.bucket}${options.prefix === '' ? '' : `/${options.prefix}`}`;
    // The SDK takes it from each answer: a clock that is off is gone on with.
    const clockAheadMs = (): number => client.config.systemClockOffset;
    this.capabilities = { conditionalCreate: options.conditionalCreate, locks: options.lockMode !== undefined, clockAheadMs };
  }

  async create(key: string, body: ObjectBody, options: CreateOptions = {}): Promise<void> {
    checkKey(key);
    if (options.lockUntil !== undefined && !this.capabilities.locks) throw lockUnsupported(this.description);
    const { conditionalCreate } = this.capabilities;
    const again: Again = async (work) => await retryRequest(this.#again, this.description, `writing ${key}`, work);
    const target = { client: this.#client, place: this.#place, conditionalCreate, description: this.description, again };
    try {
      const asked: { until: Date | undefined } = { until: undefined };
      const lockUntil = (): Date | undefined => (asked.until = lockMoment(options));
      const lockedUntil = await createS3Object(target, key, this.#before + key, body, lockUntil);
      const { until } = asked;
      if (until !== undefined && (lockedUntil === undefined || lockedUntil < until))
        await again(async () => await insistOnLock(this.#lockTarget, key, this.#before + key, until));
    } catch (error) {
      throw ownFailure(error, (failure) => s3Failure(this.description, `writing ${key}`, failure));
    }
  }

  async read(key: string, signal?: AbortSignal): Promise<Uint8Array> {
    return await collect(this.readStream(key, signal));
  }

  async readRange(key: string, offsetBytes: number, lengthBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    checkKey(key);
    checkRange(key, offsetBytes, lengthBytes);
    if (lengthBytes === 0) {
      if ((await this.stat(key)) === undefined) throw missingObject(this.description, key);
      return new Uint8Array();
    }
    return await collect(this.#get(key, { offsetBytes, lengthBytes }, signal));
  }

  readStream(key: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#get(key, undefined, signal);
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    try {
      const found = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.#place.bucket, Key: this.#before + key, ...readingParameters(this.#place) }),
      );
      if (found.ContentLength === undefined) throw new DbadminError('storage-failed', `${this.description} gave no size for ${key}`);
      const { ObjectLockRetainUntilDate: lockedUntil, ObjectLockMode: mode } = found;
      return {
        key,
        sizeBytes: found.ContentLength,
        modifiedAt: found.LastModified ?? new Date(0),
        ...(lockedUntil === undefined ? {} : { lockedUntil }),
        ...(lockedUntil !== undefined && isLesserMode(mode, this.#place) ? { isLesserLock: true } : {}),
      };
    } catch (error) {
      if (s3ErrorOf(error).status !== 404) throw s3Failure(this.description, `looking at ${key}`, error);
      // The answer to HEAD has no body, so a missing bucket and a missing object look the same.
      await this.#checkBucket();
      return undefined;
    }
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    let token: string | undefined;
    let last = '';
    do {
      const page = await this.#attempt(`listing ${prefix === '' ? 'everything' : prefix}`, async () => await this.#listPage(prefix, token));
      for (const { Key: name, Size: sizeBytes, LastModified: modifiedAt } of page.Contents ?? []) {
        const key = name?.startsWith(this.#before) === true ? name.slice(this.#before.length) : '';
        // What others put there, such as the empty objects that consoles show as folders, is not ours.
        if (!isKey(key)) continue;
        if (key <= last || sizeBytes === undefined || modifiedAt === undefined) {
          const detail = key <= last ? `${key} came after ${last}.` : `Of ${key} it told no size or no time.`;
          throw new DbadminError('storage-unsupported', `${this.description} does not list objects in order and in full`, { detail });
        }
        last = key;
        yield { key, sizeBytes, modifiedAt };
      }
      [token] = nextMarkers(this.description, page.IsTruncated, [token], [page.NextContinuationToken]) ?? [];
    } while (token !== undefined);
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#attempt(`deleting ${key}`, async () => {
      const objectName = this.#before + key;
      if (this.#deletesPlainly) {
        await hideObject(this.#lockTarget, objectName);
        return;
      }
      const outcome = await deleteVersion(this.#lockTarget, key, objectName, placeNow(this, new Date()));
      if (outcome === 'plainly' || (outcome === 'refused' && (await this.#locksNothing()))) this.#deletesPlainly = true;
      // The answer to HEAD has no body, so a missing bucket and a missing object look the same.
      if (outcome === 'absent') await this.#checkBucket();
    });
  }

  async erase(prefix: string): Promise<void> {
    checkPrefix(prefix);
    await this.#attempt(`erasing ${prefix}`, async () => {
      const keys = async function* (objects: AsyncIterable<StoredObject>): AsyncIterable<string> {
        for await (const { key } of objects) yield key;
      };
      const shown = { keys: () => keys(this.list(prefix)), remove: async (key: string) => await this.delete(key) };
      await eraseVersions(this.#lockTarget, prefix, this.#before, shown);
    });
  }

  async extendLock(key: string, until: Date): Promise<LockOutcome> {
    checkKey(key);
    if (!this.capabilities.locks) throw lockUnsupported(this.description);
    return await this.#attempt(`locking ${key}`, async () => await extendVersionLock(this.#lockTarget, key, this.#before + key, until));
  }

  async lockSupport(): Promise<LockSupport> {
    const support = await bucketLocks(this.#lockTarget);
    if (support.kind !== 'none') return support;
    const keepsVersions = await this.#attempt('asking for versions', async () => await showsVersions(this.#lockTarget, this.#before));
    return keepsVersions ? { ...support, keepsVersions } : support;
  }

  /** Whether a refusal cannot be of a lock, and so is the same for all objects. An answer that fails is asked for again at the next. */
  async #locksNothing(): Promise<boolean> {
    this.#lockKind ??= (await bucketLocks(this.#lockTarget).catch(() => undefined))?.kind;
    return this.#lockKind === 'none';
  }

  get #lockTarget(): LockTarget {
    return { client: this.#client, place: this.#place, description: this.description };
  }

  async removeUnfinished(begunBefore: Date, isOwn: (key: string) => boolean = () => true): Promise<number> {
    const { bucket: Bucket } = this.#place;
    let removed = 0;
    let from: Markers | undefined = [];
    while (from !== undefined) {
      const [KeyMarker, UploadIdMarker]: Markers = from;
      const command = new ListMultipartUploadsCommand({ Bucket, Prefix: this.#before, KeyMarker, UploadIdMarker });
      const page = await this.#attempt('listing unfinished uploads', async () => await this.#client.send(command));
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Initiated === undefined || Initiated >= begunBefore || !isOwn(Key?.slice(this.#before.length) ?? '')) continue;
        const abort = new AbortMultipartUploadCommand({ Bucket, Key, UploadId });
        await this.#attempt('removing an unfinished upload', async () => await fineWhenGone('NoSuchUpload', this.#client.send(abort)));
        removed += 1;
      }
      from = nextMarkers(this.description, page.IsTruncated, from, [page.NextKeyMarker, page.NextUploadIdMarker]);
    }
    return removed;
  }

  async freeBytes(): Promise<number | undefined> {
    return undefined;
  }

  async probe(): Promise<void> {
    await this.#checkBucket();
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  async *#get(
    key: string,
    range: { readonly offsetBytes: number; readonly lengthBytes: number } | undefined,
    signal: AbortSignal | undefined,
  ): AsyncIterable<Uint8Array> {
    checkKey(key);
    let body: Readable | undefined;
    try {
      signal?.throwIfAborted();
      const lastByte = range && range.offsetBytes + range.lengthBytes - 1;
      const answer = await this.#client.send(
        new GetObjectCommand({
          Bucket: this.#place.bucket,
          Key: this.#before + key,
          ...readingParameters(this.#place),
          ...(range === undefined ? {} : { Range: `bytes=${range.offsetBytes}-${lastByte}` }),
        }),
        signal === undefined ? {} : { abortSignal: signal },
      );
      body = answer.Body as Readable | undefined;
      const wanted = range?.lengthBytes ?? answer.ContentLength;
      if (range !== undefined && answer.ContentRange?.startsWith(`bytes ${range.offsetBytes}-`) !== true) {
        throw new DbadminError('storage-failed', `${this.description} did not give the asked part of ${key}`);
      }
      let got = 0;
      for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
        got += piece.byteLength;
        if (wanted !== undefined && got > wanted) break;
        yield piece;
        signal?.throwIfAborted();
      }
      if (wanted !== undefined && got !== wanted) throw shortObject(this.description, key, got, wanted);
    } catch (error) {
      throw this.#readFailure(key, range, signal, error);
    } finally {
      body?.destroy();
    }
  }

  #readFailure(key: string, range: { readonly lengthBytes: number } | undefined, signal: AbortSignal | undefined, error: unknown): unknown {
    if (signal?.aborted === true) return signal.reason;
    const { name, status } = s3ErrorOf(error);
    // A 404 without this name may come from something in between: it proves nothing.
    if (name === 'NoSuchKey') return missingObject(this.description, key, error);
    if (status === 416 && range !== undefined) return shortObject(this.description, key, 0, range.lengthBytes);
    return s3Failure(this.description, `reading ${key}`, error);
  }

  /** One page of a listing. An error or a page of a proxy that comes as 200 would look like an empty bucket: it is refused. */
  async #listPage(prefix: string, token: string | undefined, maxKeys = 1000): Promise<ListObjectsV2CommandOutput> {
    const Prefix = this.#before + prefix;
    const page = await this.#client.send(
      new ListObjectsV2Command({
        Bucket: this.#place.bucket,
        Prefix,
        MaxKeys: maxKeys,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    if (page.IsTruncated !== undefined && (page.Prefix ?? Prefix) === Prefix) return page;
    throw new DbadminError('storage-failed', `${this.description} answered a listing with something else`, {
      hint: 'Something between here and the storage may answer in its place: a proxy, or a page that asks to log in.',
    });
  }

  /** By a listing below the prefix, since a policy may allow no more of the bucket; and its answer names what is missing. */
  async #checkBucket(): Promise<void> {
    await this.#attempt('looking for the bucket', async () => await this.#listPage('', undefined, 1));
  }

  /** Runs one request and gives its failure as ours. */
  async #attempt<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw s3Failure(this.description, what, error);
    }
  }
}

/** Waits for a removal, and finds it fine when the server says by `name` that there was nothing to remove. */
async function fineWhenGone(name: string, removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (s3ErrorOf(error).name !== name) throw error;
  });
}
