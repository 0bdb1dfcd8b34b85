import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from '../postgres/address.ts';
import { startChildServer } from './child-server.ts';
import { startFaultyProxy } from './faulty-proxy.ts';
import { localOptions, REGION, type TestS3 } from './server.ts';

/** Where `.ci/moto` puts a Debian with moto in it, when the machine itself has none. */
const MOTO_CHROOT = '/var/cache/dbadmin-ci/moto';
const KEYS = { accessKeyId: 'moto', secretAccessKey: 'moto' };

/** The command that starts moto's server here, or undefined where there is none. */
export function findMoto(): readonly string[] | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(directory, 'moto_server');
    if (isProgram(file)) return [file];
  }
  if (process.geteuid?.() !== 0 || !existsSync(path.join(MOTO_CHROOT, 'installed'))) return undefined;
  return ['chroot', MOTO_CHROOT, 'moto_server'];
}

/** What a run without moto must say. */
export const MOTO_ABSENT = 'moto_server is not on this machine: conditional create on S3 was NOT tested; install it with .ci/moto as root';

const BUCKET = 'dbadmin-test';
/** A bucket made with Object Lock. */
export const LOCKING_BUCKET = 'dbadmin-locking';

/**
 * moto's server: it honours If-None-Match and lets everybody do everything. Slow to start (seconds). It answers on several
 * threads and looks before it writes without a lock, so the way to it lets one request through at a time.
 */
export async function startMoto(command: readonly string[]): Promise<TestS3> {
  const [program = '', ...args] = command;
  const port = await freePort();
  const server = await startChildServer(program, [...args, '-H', '127.0.0.1', '-p', String(port)], port);
  await createBuckets(`http://127.0.0.1:${port}`);
  const proxy = await startFaultyProxy(`http://127.0.0.1:${port}`, { oneAtATime: true });
  return {
    endpoint: proxy.endpoint,
    bucket: BUCKET,
    options: (changes) => localOptions(proxy.endpoint, BUCKET, KEYS, changes),
    stop: async () => {
      await proxy.stop();
      await server.stop();
    },
  };
}

/** The SDK's own client, for what a store does not show. Destroy it when done. */
export function motoClient(endpoint: string): S3Client {
  return new S3Client({ region: REGION, endpoint, forcePathStyle: true, credentials: KEYS });
}

async function createBuckets(endpoint: string): Promise<void> {
  const client = motoClient(endpoint);
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await client.send(new CreateBucketCommand({ Bucket: LOCKING_BUCKET, ObjectLockEnabledForBucket: true }));
  client.destroy();
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
