import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Secret } from '../../../src/base/secret.ts';
import { withRetention } from '../../../src/repository/retained-store.ts';
import { withRetry } from '../../../src/storage/retry.ts';
import { openS3Store, type S3Options } from '../../../src/storage/s3.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';

/** An S3 that answers every listing, an instance's metadata service, a container's credentials, and STS: all on one port. */
interface FakeCloud {
  readonly endpoint: string;
  /** Access key and session token of each request to S3, and its headers. */
  readonly asked: readonly { readonly accessKey: string; readonly token: string | undefined; readonly headers: http.IncomingHttpHeaders }[];
  /** Requests to everything that is not S3. */
  readonly others: readonly string[];
  /** By how much its clock is ahead of ours; a request signed a quarter of an hour away from it is refused. */
  clockAheadMs: number;
  /** Requests refused for that. */
  skewed: number;
  stop(): Promise<void>;
}

const LISTING = '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';
let cloud: FakeCloud;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-credentials-'));
  cloud = await startFakeCloud();
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', path.join(directory, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', path.join(directory, 'credentials'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await cloud.stop();
  await rm(directory, { recursive: true, force: true });
});

const KEYS = { accessKeyId: 'AKIA', secretAccessKey: new Secret('x') };

function options(changes: Partial<S3Options> = {}): S3Options {
  return { bucket: 'b', prefix: '', region: 'us-east-1', endpoint: cloud.endpoint, pathStyle: true, conditionalCreate: true, ...changes };
}

/** Opens the bucket, asks it once, and gives the access key and session token that came with the question. */
async function ask(changes: Partial<S3Options> = {}): Promise<readonly [string, string | undefined]> {
  const store = await openS3Store(options(changes));
  try {
    await store.probe();
  } finally {
    await store.close();
  }
  const last = cloud.asked.at(-1);
  if (last === undefined) throw new Error('nobody asked');
  return [last.accessKey, last.token];
}

it('credentials: both keys of the configuration come before everything else', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENV');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  expect(await ask({ accessKeyId: 'AKIACONFIG', secretAccessKey: new Secret('x') })).toEqual(['AKIACONFIG', undefined]);
});

it('credentials: the environment, with its session token', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENV');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SESSION_TOKEN', 'token');
  expect(await ask()).toEqual(['AKIAENV', 'token']);
});

it('credentials: a named profile, whose region is taken too', async () => {
  await writeFile(path.join(directory, 'credentials'), '[nightly]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = secret\n');
  await writeFile(path.join(directory, 'config'), '[profile nightly]\nregion = eu-north-1\n');
  expect(await ask({ profile: 'nightly', region: undefined })).toEqual(['AKIAPROFILE', undefined]);
  expect(cloud.asked.at(-1)?.headers.authorization).toContain('/eu-north-1/s3/');
});

it('credentials: a process, asked again when what it gave has ended', async () => {
  const helper = path.join(directory, 'helper.sh');
  await writeFile(
    helper,
    `#!/bin/sh\nn=$(cat ${directory}/n 2>/dev/null || echo 0); n=$((n+1)); echo $n > ${directory}/n\n` +
      `echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"AKIAPROCESS$n\\",\\"SecretAccessKey\\":\\"s\\",\\"SessionToken\\":\\"t$n\\",\\"Expiration\\":\\"$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)\\"}"\n`,
    { mode: 0o700 },
  );
  await writeFile(path.join(directory, 'config'), `[profile helped]\ncredential_process = ${helper}\n`);
  expect(await ask({ profile: 'helped' })).toEqual(['AKIAPROCESS1', 't1']);
  const store = await openS3Store(options({ profile: 'helped' }));
  await store.probe();
  const before = cloud.asked.at(-1)?.accessKey;
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await store.probe();
  await store.close();
  expect(cloud.asked.at(-1)?.accessKey).not.toBe(before);
});

it('credentials: a web identity, exchanged at STS', async () => {
  await writeFile(path.join(directory, 'token'), 'signed-by-the-cluster');
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', path.join(directory, 'token'));
  vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/backup');
  vi.stubEnv('AWS_ENDPOINT_URL_STS', `${cloud.endpoint}/sts`);
  expect(await ask()).toEqual(['AKIASTS', 'sts-token']);
  expect(cloud.others.join('\n')).toContain('signed-by-the-cluster');
});

it("credentials: the instance's role, by the metadata service's second version", async () => {
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined);
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', cloud.endpoint);
  expect(await ask()).toEqual(['AKIAINSTANCE', 'instance-token']);
  expect(cloud.others[0]).toBe('PUT /latest/api/token');
});

it("credentials: a container's", async () => {
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${cloud.endpoint}/container`);
  expect(await ask()).toEqual(['AKIACONTAINER', 'container-token']);
});

it('credentials: none at all is said as such, and is no failure that may pass', async () => {
  await expect(ask()).rejects.toMatchObject({ code: 'storage-denied', exitStatus: 12, hint: expect.stringContaining('profile') });
  expect(cloud.asked).toEqual([]);
});

it('proxy: the one of the environment is used, and not for what NO_PROXY names', async () => {
  vi.stubEnv('HTTP_PROXY', cloud.endpoint);
  vi.stubEnv('NO_PROXY', 'elsewhere.invalid');
  expect(await ask({ ...KEYS, endpoint: 'http://s3.invalid' })).toEqual(['AKIA', undefined]);
  expect(cloud.asked.at(-1)?.headers.host).toBe('s3.invalid');
  await expect(ask({ ...KEYS, endpoint: 'http://elsewhere.invalid' })).rejects.toMatchObject({ code: 'storage-failed' });
});

it('requester pays: said with every request, and only when configured', async () => {
  await ask(KEYS);
  expect(cloud.asked.at(-1)?.headers['x-amz-request-payer']).toBeUndefined();
  await ask({ ...KEYS, requesterPays: true });
  expect(cloud.asked.at(-1)?.headers['x-amz-request-payer']).toBe('requester');
});

it('customer key: goes with writing, looking and reading, and one that is not 32 bytes is refused', async () => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const withKey = (secret: string): S3Options => options({ ...KEYS, serverSideEncryption: { kind: 'customer', key: new Secret(secret) } });
  const store = await openS3Store(withKey(key));
  await store.create('small', new Uint8Array());
  await store.stat('small');
  await store.read('small');
  await store.close();
  expect(cloud.asked).toHaveLength(4);
  for (const { headers } of cloud.asked) {
    expect(headers['x-amz-server-side-encryption-customer-algorithm']).toBe('AES256');
    expect(headers['x-amz-server-side-encryption-customer-key']).toBe(key);
  }
  const short = await openS3Store(withKey('c2hvcnQ='));
  await expect(short.read('small')).rejects.toMatchObject({ code: 'config-invalid' });
  await short.close();
});

it.each([
  ['a day ahead', 86_400_000],
  ['a day behind', -86_400_000],
])("clock: the server's is %s, is taken from its refusal, and the next request is good", async (_, clockAheadMs) => {
  cloud.clockAheadMs = clockAheadMs;
  for (const call of [
    async (store: ObjectStore) => await store.probe(),
    async (store: ObjectStore) => await store.stat('key'),
    async (store: ObjectStore) => await store.create('key', new Uint8Array()),
  ]) {
    cloud.skewed = 0;
    const bare = await openS3Store(options(KEYS));
    const store = withRetry(bare, { attempts: 2, clock: systemClock, random: () => 0, firstDelayMs: 1 });
    await call(store);
    expect(cloud.skewed).toBe(1);
    await call(store);
    expect(cloud.skewed).toBe(1);
    await store.close();
  }
});

it.each([
  ['a year behind', -365 * 86_400_000],
  ['a day ahead', 86_400_000],
  ['a minute ahead', 60_000],
])(
  "clock: what is locked is so for as long as it was to be, also where its request is what shows that the server's is %s",
  async (_, clockAheadMs) => {
    cloud.clockAheadMs = clockAheadMs;
    const bare = await openS3Store(options({ ...KEYS, lockMode: 'compliance' }));
    const store = withRetention(withRetry(bare, { attempts: 2, clock: systemClock, random: () => 0, firstDelayMs: 1 }), {
      lockDays: 30,
      clock: systemClock,
    });
    // The first request is one that locks: the clock may have jumped while a receiver ran.
    for (const bytes of [0, 9 * 2 ** 20]) {
      // This server shows no lock, and takes no parts.
      await store.create(`1/gaps/${bytes}`, new Uint8Array(bytes)).catch(() => undefined);
      const until = cloud.asked.map(({ headers }) => headers['x-amz-object-lock-retain-until-date']).findLast(Boolean);
      const days = (Date.parse(String(until)) - Date.now() - clockAheadMs) / 86_400_000;
      expect(days).toBeGreaterThan(29.99);
      expect(days).toBeLessThan(31.01);
    }
    await store.close();
  },
);

async function startFakeCloud(): Promise<FakeCloud> {
  const asked: FakeCloud['asked'][number][] = [];
  const others: string[] = [];
  const server = http.createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      // A proxy is asked with the whole address.
      const url = (request.url ?? '/').replace(/^http:\/\/[^/]+/, '');
      const expiration = new Date(Date.now() + 3_600_000).toISOString();
      if (url.startsWith('/b')) {
        const accessKey = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? 'none';
        const token = request.headers['x-amz-security-token'];
        const now = Date.now() + cloud.clockAheadMs;
        response.setHeader('date', new Date(now).toUTCString());
        if (Math.abs(signedAt(request) - now) > 900_000) {
          cloud.skewed += 1;
          response.writeHead(403, { 'content-type': 'application/xml' });
          response.end(
            request.method === 'HEAD' ? undefined : '<Error><Code>RequestTimeTooSkewed</Code><Message>planned</Message></Error>',
          );
          return;
        }
        asked.push({ accessKey, token: typeof token === 'string' ? token : undefined, headers: request.headers });
        const answer = /^\/b\/[^?]/.test(url) ? '' : LISTING;
        response.writeHead(200, { 'content-type': 'application/xml', 'content-length': answer.length, etag: '"0"' });
        response.end(request.method === 'HEAD' ? undefined : answer);
        return;
      }
      others.push(`${request.method} ${url}${body === '' ? '' : ` ${body}`}`);
      const answer = otherAnswer(url, expiration);
      response.writeHead(200, { 'content-type': answer.startsWith('<') ? 'text/xml' : 'application/json' }).end(answer);
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const cloud: FakeCloud = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    others,
    clockAheadMs: 0,
    skewed: 0,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return cloud;
}

/** When the request was signed, by the clock of who signed it. */
function signedAt(request: IncomingMessage): number {
  return Date.parse(String(request.headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)(..)Z$/, '$1-$2-$3:$4:$5Z'));
}

function otherAnswer(url: string, expiration: string): string {
  const keys = (name: string): string =>
    JSON.stringify({
      Code: 'Success',
      Type: 'AWS-HMAC',
      AccessKeyId: `AKIA${name.toUpperCase()}`,
      SecretAccessKey: 'secret',
      Token: `${name}-token`,
      LastUpdated: expiration,
      Expiration: expiration,
    });
  if (url.startsWith('/container')) return keys('container');
  if (url.startsWith('/latest/api/token')) return 'metadata-token';
  if (url.endsWith('/security-credentials/') || url.endsWith('/security-credentials')) return 'backup-role';
  if (url.endsWith('/backup-role')) return keys('instance');
  return (
    '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>' +
    `<AccessKeyId>AKIASTS</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>sts-token</SessionToken><Expiration>${expiration}</Expiration>` +
    '</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>'
  );
}

async function text(request: IncomingMessage): Promise<string> {
  let all = '';
  for await (const part of request) all += String(part);
  return all;
}
