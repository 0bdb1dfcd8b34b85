import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeConditionalCreate } from '../../../src/storage/conditional-create.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { startS3rver } from '../../s3/s3rver.ts';
import type { TestS3 } from '../../s3/server.ts';
import { expectDenied, expectMissingBucket } from './bucket.ts';
import { describeChosenEndpoint } from './chosen-endpoint.ts';
import { describeObjectStore } from './suite.ts';

let server: TestS3;
let store: ObjectStore;

beforeAll(async () => {
  server = await startS3rver();
  store = await openS3Store(server.options());
});

afterAll(async () => {
  await store.close();
  await server.stop();
});

describeObjectStore('S3 store on s3rver', () => store, { conditionalCreate: false });

describe('S3 store on s3rver', () => {
  it('says that the access key is wrong', async () => {
    const denied = await openS3Store(server.options({ accessKeyId: 'UNKNOWN' }));
    await expectDenied(denied);
    await denied.close();
    expect(await store.stat('denied')).toBeUndefined();
  });

  it('tells a missing bucket from a missing object', async () => {
    await expectMissingBucket(server.options());
  });

  it('finds out that this server does not refuse to write over an object', async () => {
    const claiming = await openS3Store(server.options({ conditionalCreate: true, prefix: 'probe' }));
    expect(await probeConditionalCreate(claiming)).toBe(false);
    for await (const { key } of claiming.list('')) expect.unreachable(`${key} was left behind`);
    await claiming.close();
  });
});

describe('S3 store over TLS', () => {
  it('trusts the authority of its CA file, and says what is missing without it', async (context) => {
    context.skip(spawnSync('openssl', ['version']).status !== 0, 'openssl is not on this machine to make a certificate');
    const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-s3-tls-'));
    const certFile = path.join(directory, 'cert.pem');
    const keyFile = path.join(directory, 'key.pem');
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-out', certFile, '-keyout', keyFile, ...subject],
      {
        stdio: 'ignore',
      },
    );
    const secure = await startS3rver({ certFile, keyFile });
    try {
      const trusting = await openS3Store(secure.options({ caFile: certFile }));
      await trusting.create('secret', Buffer.from('x'));
      expect(Buffer.from(await trusting.read('secret')).toString()).toBe('x');
      await trusting.close();
      const strict = await openS3Store(secure.options());
      await expect(strict.probe()).rejects.toMatchObject({ code: 'storage-failed', hint: expect.stringContaining('ca_file') });
      await strict.close();
      await expect(openS3Store(secure.options({ caFile: path.join(directory, 'absent') }))).rejects.toMatchObject({
        code: 'file-unreadable',
      });
    } finally {
      await secure.stop();
      await rm(directory, { recursive: true, force: true });
    }
  });
});

await describeChosenEndpoint(process.env);
