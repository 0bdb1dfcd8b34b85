import { readFile } from 'node:fs/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { DbadminError, messageOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { addErrorSight } from './s3-answers.ts';
import { addCredentialSight } from './s3-credentials.ts';
import { addBodyHashes, addHeader } from './s3-headers.ts';

/** A bucket, a prefix in it, and the way there. Without both keys the SDK's own chain finds credentials. */
export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Undefined: the one of the profile. */
  readonly region: string | undefined;
  /** `https://host:port` of somebody else's S3, or undefined for AWS. */
  readonly endpoint?: string | undefined;
  readonly pathStyle: boolean;
  /** Path of a PEM file with the authorities to trust instead of Node's. */
  readonly caFile?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: Secret | undefined;
  /** A profile of the AWS configuration files, where there are no keys. */
  readonly profile?: string | undefined;
  readonly storageClass?: string | undefined;
  readonly serverSideEncryption?: ServerSideEncryption | undefined;
  /** Put on every object. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Whether whoever asks pays, where the bucket belongs to somebody else. */
  readonly requesterPays?: boolean | undefined;
  /** Whether objects may be locked, and how: a governance lock can be lifted by those with a right of its own, a compliance lock by nobody. */
  readonly lockMode?: 'governance' | 'compliance' | undefined;
}

export type ServerSideEncryption =
  | { readonly kind: 'none' }
  | { readonly kind: 's3' }
  | { readonly kind: 'kms'; readonly keyId?: string | undefined }
  /** `key` is 32 bytes in base64. The server forgets it after each request. */
  | { readonly kind: 'customer'; readonly key: Secret };

export interface S3Timeouts {
  /** Until the connection stands; 10,000 unless given. */
  readonly connectTimeoutMs?: number;
  /** Without a byte in either direction; 60,000 unless given. */
  readonly idleTimeoutMs?: number;
  /** Once it is aborted, requests that begin are given {@link LATE_TIMEOUT_MS} for either. */
  readonly interrupt?: AbortSignal | undefined;
}

/** What the SDK makes of the options of a handler; its types leave open which kind it is. */
interface AdjustableHandler {
  updateHttpClientConfig(name: 'connectionTimeout' | 'socketTimeout', timeoutMs: number): void;
}

/** Whoever has interrupted the work waits for its end. */
const LATE_TIMEOUT_MS = 5000;

/**
 * A client of the SDK that leaves retries to us. HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment are obeyed.
 *
 * The SDK's own checksums stay off: many an S3 of other makers refuses their headers. Content is covered all the same, by
 * the SHA-256 of each body that the signature holds, and by Content-MD5, which every S3 checks.
 *
 * @throws {DbadminError} `file-unreadable` when the CA file cannot be read.
 */
export async function createS3Client(place: S3Place, timeouts: S3Timeouts): Promise<S3Client> {
  const authorities = place.caFile === undefined ? undefined : await readAuthorities(place.caFile);
  const proxyEnv = process.env;
  const client = new S3Client({
    ...(place.region === undefined ? {} : { region: place.region }),
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    ...(place.profile === undefined ? {} : { profile: place.profile }),
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
      httpAgent: { proxyEnv },
      httpsAgent: { proxyEnv, ...(authorities === undefined ? {} : { ca: authorities }) },
    },
  });
  const shorten = (): void => {
    const handler = client.config.requestHandler as typeof client.config.requestHandler & AdjustableHandler;
    handler.updateHttpClientConfig('connectionTimeout', LATE_TIMEOUT_MS);
    handler.updateHttpClientConfig('socketTimeout', LATE_TIMEOUT_MS);
  };
  if (timeouts.interrupt?.aborted === true) shorten();
  else timeouts.interrupt?.addEventListener('abort', shorten, { once: true });
  addBodyHashes(client);
  addErrorSight(client);
  addCredentialSight(client);
  if (place.requesterPays === true) addHeader(client, 'x-amz-request-payer', 'requester');
  return client;
}

async function readAuthorities(caFile: string): Promise<Buffer> {
  try {
    return await readFile(caFile);
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read the CA file ${caFile}`, { detail: `${messageOf(error)}.`, cause: error });
  }
}
