import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../postgres/address.ts';
import { startChildServer } from './child-server.ts';
import type { ServerTask } from './s3rver-child.ts';
import { localOptions, type TestS3 } from './server.ts';

const CHILD = path.join(import.meta.dirname, 's3rver-child.ts');
const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

/** PEM files of a server certificate and its key, for https. */
export interface TestCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The npm package's server: it knows access keys but not secrets (version 4 signatures pass unread) and ignores If-None-Match. */
export async function startS3rver(certificate?: TestCertificate): Promise<TestS3> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-s3rver-'));
  const bucket = 'dbadmin-test';
  const port = await freePort();
  const task: ServerTask = { directory, port, bucket, certFile: certificate?.certFile, keyFile: certificate?.keyFile };
  // Its continuation tokens are made with DES, which today's OpenSSL keeps among the legacy ciphers.
  const server = await startChildServer(process.execPath, ['--openssl-legacy-provider', CHILD, JSON.stringify(task)], port);
  const endpoint = `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  return {
    endpoint,
    bucket,
    options: (changes) => localOptions(endpoint, bucket, KEYS, changes),
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
