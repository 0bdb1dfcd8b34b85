import { Secret } from '../../src/base/secret.ts';
import type { S3Options } from '../../src/storage/s3.ts';

/** An S3 server that runs for one test file. */
export interface TestS3 {
  readonly endpoint: string;
  /** A bucket that is there. */
  readonly bucket: string;
  /** Options that open the bucket; change what the test is about. */
  options(changes?: Partial<S3Options>): S3Options;
  stop(): Promise<void>;
}

export interface TestKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const REGION = 'us-east-1';

/** The options for a server on this machine. */
export function localOptions(endpoint: string, bucket: string, keys: TestKeys, changes: Partial<S3Options> = {}): S3Options {
  return {
    bucket,
    prefix: 'test',
    region: REGION,
    endpoint,
    pathStyle: true,
    accessKeyId: keys.accessKeyId,
    secretAccessKey: new Secret(keys.secretAccessKey),
    conditionalCreate: false,
    ...changes,
  };
}
