import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { formatBytes } from '../base/bytes.ts';
import { DbadminError } from '../base/errors.ts';
import { piecesOf } from './body.ts';
import { existingObject } from './failures.ts';
import { uploadMark, withAgain, type Again } from './s3-again.ts';
import type { S3Place } from './s3-client.ts';
import { s3ErrorOf } from './s3-failures.ts';
import { creationParameters, readingParameters } from './s3-headers.ts';
import type { ObjectBody, StreamedBody } from './store.ts';

/** Content up to this goes in one request, more in parts of at least this. */
const SMALLEST_PART_BYTES = 8 * 1024 * 1024;
/** Parts of content of unknown length, and the smallest where it is only expected: 156 GiB at most. */
const BLIND_PART_BYTES = 16 * 1024 * 1024;
/** S3 takes no more for one object. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MOST_PARTS = 10_000;
/** So many are planned for: what was expected may be somewhat more. */
const PLANNED_PARTS = 9000;
const PARTS_AT_ONCE = 4;
/** Those in memory at once, one at least: parts of a very large object are large. */
const PARTS_BYTES = 256 * 1024 * 1024;

export interface CreateTarget {
  readonly client: S3Client;
  readonly place: S3Place;
  readonly conditionalCreate: boolean;
  readonly description: string;
  readonly again: Again;
}

/**
 * Puts a new object and reads back that it has the size that was sent. Gives until when the server says that it is locked.
 * Errors are the SDK's, or ours.
 *
 * Whether the key is taken is asked first where the server cannot refuse by itself, and before many parts are sent in vain.
 */
export async function createS3Object(
  target: CreateTarget,
  key: string,
  objectName: string,
  body: ObjectBody,
  lockUntil: () => Date | undefined,
): Promise<Date | undefined> {
  const { client, place, conditionalCreate, description, again } = target;
  const put = () => ({
    Bucket: place.bucket,
    Key: objectName,
    ...creationParameters(place, lockUntil()),
    ...(conditionalCreate ? { IfNoneMatch: '*' as const } : {}),
  });
  const pieces = piecesOf(body, description, key)[Symbol.asyncIterator]();
  try {
    if (!conditionalCreate) await refuseExisting(target, key, objectName);
    const start = body instanceof Uint8Array ? { bytes: body, ended: body.byteLength <= SMALLEST_PART_BYTES } : await takeStart(pieces);
    let sentBytes = start.bytes.byteLength;
    const Metadata = uploadMark();
    const patient = withAgain(client, place, objectName, Metadata, again);
    if (start.ended && isReplayable(body)) {
      await client.send(new PutObjectCommand({ ...put(), Body: start.bytes, ContentLength: sentBytes }));
    } else if (start.ended) {
      await patient.send(new PutObjectCommand({ ...put(), Metadata, Body: start.bytes, ContentLength: sentBytes }));
    } else {
      if (conditionalCreate) await refuseExisting(target, key, objectName);
      const partSize = partBytes(body);
      if (body instanceof Uint8Array) {
        // Parts are cut from it as it is: as a stream it would be copied, and so would each part.
        await sendParts(client, patient, { ...put(), Metadata, Body: body }, partSize);
        return await readBack(target, key, objectName, sentBytes);
      }
      const rest = async function* (): AsyncGenerator<Uint8Array> {
        yield start.bytes;
        for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
          sentBytes += next.value.byteLength;
          yield next.value;
        }
      };
      const all = Readable.from(withinParts(rest(), partSize, description, key), { objectMode: true, highWaterMark: 1 });
      await sendParts(client, patient, { ...put(), Metadata, Body: all }, partSize);
    }
    return await readBack(target, key, objectName, sentBytes);
  } catch (error) {
    const { name, status } = s3ErrorOf(error);
    if (status === 412 || name === 'PreconditionFailed') throw existingObject(description, key, error);
    throw error;
  } finally {
    await pieces.return?.();
  }
}

/**
 * Sends a body in parts, each again by itself where that can help (`patient`): the content of a stream comes once. After a failure the
 * parts are dropped by us and not by the SDK, which would throw the failure of that in place of the one that matters.
 */
async function sendParts(client: S3Client, patient: S3Client, params: PutObjectCommandInput, partSize: number): Promise<void> {
  const queueSize = Math.max(1, Math.min(PARTS_AT_ONCE, Math.floor(PARTS_BYTES / partSize)));
  const upload = new Upload({ client: patient, params, partSize, queueSize, leavePartsOnError: true });
  try {
    await upload.done();
  } catch (error) {
    const { Bucket, Key } = params;
    if (upload.uploadId !== undefined) {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: upload.uploadId })).catch(() => undefined);
    }
    throw error;
  }
}

function isReplayable(body: ObjectBody): boolean {
  return body instanceof Uint8Array || body.replayable === true;
}

/** The first pieces, up to more than one request should hold, and whether that was all. */
async function takeStart(pieces: AsyncIterator<Uint8Array>): Promise<{ readonly bytes: Uint8Array; readonly ended: boolean }> {
  const taken: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) return { bytes: Buffer.concat(taken), ended: true };
    taken.push(next.value);
    total += next.value.byteLength;
    if (total > SMALLEST_PART_BYTES) return { bytes: Buffer.concat(taken), ended: false };
  }
}

/** How large the parts of a body have to be for S3 to take them all. What is only expected makes them larger, never smaller. */
export function partBytes(body: ObjectBody): number {
  const sized: Pick<StreamedBody, 'sizeBytes' | 'mostBytes' | 'expectedBytes'> =
    body instanceof Uint8Array ? { sizeBytes: body.byteLength } : body;
  const sureBytes = sized.sizeBytes ?? sized.mostBytes;
  const smallestBytes = sureBytes === undefined ? BLIND_PART_BYTES : SMALLEST_PART_BYTES;
  return Math.max(smallestBytes, Math.ceil((sureBytes ?? sized.expectedBytes ?? 0) / PLANNED_PARTS));
}

/** The same pieces, refused where they come to more than S3 takes in parts of this size: trying again would meet the same. */
export async function* withinParts(
  pieces: AsyncIterable<Uint8Array>,
  partSize: number,
  description: string,
  key: string,
): AsyncGenerator<Uint8Array> {
  const mostBytes = partSize * MOST_PARTS;
  let totalBytes = 0;
  for await (const piece of pieces) {
    totalBytes += piece.byteLength;
    if (totalBytes > mostBytes) {
      throw new DbadminError('storage-unsupported', `${description} does not take object ${key}: it is larger than was expected`, {
        detail: `An object has ${MOST_PARTS} parts at most, and with parts of ${formatBytes(partSize)} that is ${formatBytes(mostBytes)}.`,
      });
    }
    yield piece;
  }
}

async function refuseExisting({ client, place, description, again }: CreateTarget, key: string, objectName: string): Promise<void> {
  const look = new HeadObjectCommand({ Bucket: place.bucket, Key: objectName, ...readingParameters(place) });
  try {
    await again(async () => await client.send(look));
  } catch (error) {
    // A missing bucket answers 404 too; the write that follows says so.
    if (s3ErrorOf(error).status === 404) return;
    throw error;
  }
  throw existingObject(description, key);
}

/** Some proxies and half-finished servers answer 200 for what they did not keep. */
async function readBack(
  { client, place, description, again }: CreateTarget,
  key: string,
  objectName: string,
  sentBytes: number,
): Promise<Date | undefined> {
  const look = new HeadObjectCommand({ Bucket: place.bucket, Key: objectName, ...readingParameters(place) });
  const kept = await again(async () => await client.send(look)).catch((error: unknown) => {
    if (s3ErrorOf(error).status === 404) return undefined;
    throw error;
  });
  if (kept !== undefined && (kept.ContentLength ?? 0) === sentBytes) return kept.ObjectLockRetainUntilDate;
  throw new DbadminError('storage-failed', `${description} did not keep object ${key}`, {
    detail: `${sentBytes} bytes were confirmed, and ${kept === undefined ? 'no object' : `one of ${kept.ContentLength ?? 0} bytes`} is there.`,
  });
}
