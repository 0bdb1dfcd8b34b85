import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openStore } from '../../src/storage/open.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { startS3rver } from '../s3/s3rver.ts';
import type { TestS3 } from '../s3/server.ts';

/** Credentials are good for so long. */
const LIFE_MS = 1500;
let server: TestS3;
let giver: http.Server;
let gives = true;

beforeAll(async () => {
  server = await startS3rver();
  const { accessKeyId: AccessKeyId, secretAccessKey } = server.options();
  giver = http.createServer((_, response) => {
    const Expiration = new Date(Date.now() + LIFE_MS).toISOString();
    const given = { AccessKeyId, SecretAccessKey: secretAccessKey?.reveal(), Token: 'token', Expiration };
    response.writeHead(gives ? 200 : 500, { 'content-type': 'application/json' }).end(gives ? JSON.stringify(given) : 'away');
  });
  await new Promise<void>((resolve) => {
    giver.listen(0, '127.0.0.1', resolve);
  });
});

afterEach(() => {
  gives = true;
  vi.unstubAllEnvs();
});

afterAll(async () => {
  giver.closeAllConnections();
  giver.close();
  await server.stop();
});

/** A store with the credentials of a container, as long as somebody gives any. */
async function open(patienceMs: number, waits: string[] = []): Promise<ObjectStore> {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'])
    vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `http://127.0.0.1:${(giver.address() as AddressInfo).port}/given`);
  const { accessKeyId: _id, secretAccessKey: _secret, ...place } = server.options();
  const onWait = (error: unknown): void => void waits.push(String(error));
  return await openStore({ type: 's3', ...place }, { clock: systemClock, random: () => 0, attempts: 2, patienceMs, onWait });
}

it('whoever gives credentials is waited for while he is away, where he gave some before', async () => {
  const waits: string[] = [];
  const store = await open(60_000, waits);
  await store.create('credentials/first', Buffer.from('content'));
  gives = false;
  await systemClock.sleep(LIFE_MS);
  const writing = store.create('credentials/second', Buffer.from('content'));
  const reading = store.read('credentials/first');
  await vi.waitFor(() => expect(waits).not.toEqual([]), { timeout: 30_000, interval: 100 });
  gives = true;
  await writing;
  expect(Buffer.from(await reading).toString()).toBe('content');
  await store.close();
});

it('is told as what it is when he stays away', async () => {
  const store = await open(0);
  gives = false;
  await systemClock.sleep(LIFE_MS);
  await expect(store.create('credentials/third', Buffer.from('content'))).rejects.toMatchObject({
    code: 'storage-failed',
    hint: expect.stringContaining('There were credentials before'),
  });
  await store.close();
});

it('where there never were any, access is denied at once', async () => {
  gives = false;
  await expect(open(60_000)).rejects.toMatchObject({ code: 'storage-denied', hint: expect.stringContaining('Configure access_key_id') });
});
