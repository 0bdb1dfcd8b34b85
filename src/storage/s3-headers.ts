import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { DbadminError } from '../base/errors.ts';
import type { S3Place, ServerSideEncryption } from './s3-client.ts';

interface HttpRequest {
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** Names of the checksums that the SDK adds where an operation requires one: newer than what other makers' servers know. */
const NEWER_CHECKSUM = /^x-amz-(checksum-|sdk-checksum-)/;

/**
 * Puts Content-MD5 on every request with a body at hand, parts of large objects included, in place of the SDK's newer
 * checksums: it is what every S3 checks, and what a lock on an object requires.
 */
export function addBodyHashes(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as HttpRequest;
      const { body } = request;
      if ((body instanceof Uint8Array || typeof body === 'string') && body.length > 0) {
        for (const name of Object.keys(request.headers)) if (NEWER_CHECKSUM.test(name)) Reflect.deleteProperty(request.headers, name);
        request.headers['content-md5'] = createHash('md5').update(body).digest('base64');
      }
      return await next(args);
    },
    { step: 'build', priority: 'low', name: 'dbadminBodyHashes' },
  );
}

/** Puts a header on every request of the client. */
export function addHeader(client: S3Client, name: string, value: string): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      (args.request as HttpRequest).headers[name] = value;
      return await next(args);
    },
    { step: 'build', name: 'dbadminHeader' },
  );
}

/** What a new object is made with, as the configuration says, locked until `lockUntil`. */
export function creationParameters(place: S3Place, lockUntil: Date | undefined) {
  return {
    // The SDK's list of classes is AWS's of the day; other makers have their own.
    ...(place.storageClass === undefined ? {} : { StorageClass: place.storageClass as 'STANDARD' }),
    ...(place.tags === undefined || Object.keys(place.tags).length === 0 ? {} : { Tagging: new URLSearchParams(place.tags).toString() }),
    ...(lockUntil === undefined ? {} : { ObjectLockMode: lockModeOf(place), ObjectLockRetainUntilDate: lockUntil }),
    ...encryptionParameters(place.serverSideEncryption),
  };
}

export function lockModeOf(place: S3Place): 'COMPLIANCE' | 'GOVERNANCE' {
  return place.lockMode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE';
}

function encryptionParameters(encryption: ServerSideEncryption = { kind: 'none' }) {
  switch (encryption.kind) {
    case 'none':
      return {};
    case 's3':
      return { ServerSideEncryption: 'AES256' } as const;
    case 'kms':
      return { ServerSideEncryption: 'aws:kms', ...(encryption.keyId === undefined ? {} : { SSEKMSKeyId: encryption.keyId }) } as const;
    case 'customer':
      return customerKey(encryption);
  }
}

/** What looking at and reading an object needs: the customer's key, where the server has none. */
export function readingParameters({ serverSideEncryption }: S3Place) {
  return serverSideEncryption?.kind === 'customer' ? customerKey(serverSideEncryption) : {};
}

function customerKey({ key }: Extract<ServerSideEncryption, { kind: 'customer' }>) {
  const bytes = Buffer.from(key.reveal().trim(), 'base64');
  if (bytes.byteLength === 32) return { SSECustomerAlgorithm: 'AES256', SSECustomerKey: bytes.toString('base64') };
  throw new DbadminError('config-invalid', 'the customer key of server-side encryption is not 32 bytes in base64', {
    hint: 'Make one with: openssl rand -base64 32. Without it the objects cannot be read: keep a copy.',
  });
}
