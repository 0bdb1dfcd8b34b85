import { randomBytes } from 'node:crypto';
import { CompleteMultipartUploadCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { isDbadminError } from '../base/errors.ts';
import type { Retrier } from './retrier.ts';
import type { S3Place } from './s3-client.ts';
import { s3ErrorOf, s3Failure } from './s3-failures.ts';
import { readingParameters } from './s3-headers.ts';

/** Makes one of the requests that a create is made of, again where that can help. */
export type Again = <Value>(work: (attempt: number) => Promise<Value>) => Promise<Value>;

/** What the same request meets again: parts that are not there any more, or a key that was taken meanwhile, which may be said inside a 200. */
const FINAL = new Set([
  'ConditionalRequestConflict',
  'PreconditionFailed',
  'InvalidPart',
  'InvalidPartOrder',
  'EntityTooSmall',
  'NoSuchUpload',
]);

/**
 * Makes a request until it succeeds, as `again` says. `at` is the store, `what` is being done. A failure that was tried again is
 * ours, every other one is the SDK's as it came.
 */
export async function retryRequest<Value>(
  again: Retrier,
  at: string,
  what: string,
  work: (attempt: number) => Promise<Value>,
): Promise<Value> {
  return await again.call(async (attempt) => {
    try {
      return await work(attempt);
    } catch (error) {
      const { name, status } = s3ErrorOf(error);
      if (status === 404 || status === 412 || FINAL.has(name)) throw error;
      const failure = s3Failure(at, what, error);
      throw isDbadminError(failure) && failure.retryable ? failure : error;
    }
  });
}

const NONCE = 'dbadmin-upload';

/** Something that only this upload is marked with, in the object's metadata: by it an answer that was lost is known for success. */
export function uploadMark(): { readonly [NONCE]: string } {
  return { [NONCE]: randomBytes(16).toString('hex') };
}

/**
 * A client whose requests are made again one by one. Those that make the object, which the server may have done though its
 * answer was lost, look for `mark` before they are called failed.
 */
export function withAgain(
  client: S3Client,
  place: S3Place,
  objectName: string,
  mark: ReturnType<typeof uploadMark>,
  again: Again,
): S3Client {
  const isOurs = async (): Promise<boolean> => {
    const look = new HeadObjectCommand({ Bucket: place.bucket, Key: objectName, ...readingParameters(place) });
    const found = await client.send(look).catch((error: unknown) => {
      if (s3ErrorOf(error).status === 404) return undefined;
      throw error;
    });
    return found?.Metadata?.[NONCE] === mark[NONCE];
  };
  const make = async (command: PutObjectCommand | CompleteMultipartUploadCommand): Promise<object> =>
    await again(async (attempt) => {
      if (attempt > 1 && (await isOurs())) return {};
      try {
        return await client.send(command as PutObjectCommand);
      } catch (error) {
        // The server may have come to the end of an earlier request just now.
        if (attempt > 1 && (await isOurs().catch(() => false))) return {};
        throw error;
      }
    });
  const send = async (command: Parameters<S3Client['send']>[0]): Promise<object> =>
    command instanceof PutObjectCommand || command instanceof CompleteMultipartUploadCommand
      ? await make(command)
      : await again(async () => await client.send(command));
  return new Proxy(client, {
    get: (target, property): unknown => (property === 'send' ? send : Reflect.get(target, property, target)),
  });
}
