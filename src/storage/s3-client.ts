import { readFile } from 'node:fs/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { DbadminError, messageOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';

/** A bucket, a prefix in it, and the way there. Without both keys the SDK's own chain finds credentials. */
export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly region: string;
  /** `https://host:port` of somebody else's S3, or undefined for AWS. */
  readonly endpoint?: string | undefined;
  readonly pathStyle: boolean;
  /** Path of a PEM file with the authorities to trust instead of Node's. */
  readonly caFile?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: Secret | undefined;
  readonly storageClass?: string | undefined;
  readonly serverSideEncryption?: ServerSideEncryption | undefined;
}

export type ServerSideEncryption =
  | { readonly kind: 'none' }
  | { readonly kind: 's3' }
  | { readonly kind: 'kms'; readonly keyId?: string | undefined };

export interface S3Timeouts {
  /** Until the connection stands; 10,000 unless given. */
  readonly connectTimeoutMs?: number;
  /** Without a byte in either direction; 60,000 unless given. */
  readonly idleTimeoutMs?: number;
}

/**
 * A client of the SDK that leaves retries to us.
 *
 * Checksums beyond what an operation requires stay off: many an S3 of other makers refuses the headers. Content is
 * covered all the same, by the SHA-256 of each body that the signature holds.
 *
 * @throws {DbadminError} `file-unreadable` when the CA file cannot be read.
 */
export async function createS3Client(place: S3Place, timeouts: S3Timeouts): Promise<S3Client> {
  const authorities = place.caFile === undefined ? undefined : await readAuthorities(place.caFile);
  return new S3Client({
    region: place.region,
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    forcePathStyle: place.pathStyle,
    ...(place.accessKeyId === undefined || place.secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId: place.accessKeyId, secretAccessKey: place.secretAccessKey.reveal() } }),
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: timeouts.connectTimeoutMs ?? 10_000,
      socketTimeout: timeouts.idleTimeoutMs ?? 60_000,
      ...(authorities === undefined ? {} : { httpsAgent: { ca: authorities } }),
    },
  });
}

/** The headers of a new object that come from the configuration. */
export function creationHeaders(place: S3Place): {
  readonly StorageClass?: 'STANDARD';
  readonly ServerSideEncryption?: 'AES256' | 'aws:kms';
  readonly SSEKMSKeyId?: string;
} {
  const encryption = place.serverSideEncryption ?? { kind: 'none' };
  return {
    // The SDK's list of classes is AWS's of the day; other makers have their own.
    ...(place.storageClass === undefined ? {} : { StorageClass: place.storageClass as 'STANDARD' }),
    ...(encryption.kind === 's3' ? { ServerSideEncryption: 'AES256' } : {}),
    ...(encryption.kind === 'kms'
      ? { ServerSideEncryption: 'aws:kms', ...(encryption.keyId === undefined ? {} : { SSEKMSKeyId: encryption.keyId }) }
      : {}),
  };
}

async function readAuthorities(caFile: string): Promise<Buffer> {
  try {
    return await readFile(caFile);
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read the CA file ${caFile}`, { detail: `${messageOf(error)}.`, cause: error });
  }
}
