import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeDirectory, removeDirectory } from '../backup/repository.ts';
import { serveConsole, type ServedConsole } from '../console/serve.ts';
import { freePort } from '../postgres/address.ts';
import { runCli } from './run-cli.ts';

const RUNBOOK = path.resolve(import.meta.dirname, '../../docs/runbooks/console.md');
const HOST = 'dba.example.org';
const PASSWORD = 'a long enough password';
const hasNginx = spawnSync('nginx', ['-v']).status === 0;
if (!hasNginx) process.stderr.write('console-proxy: there is no nginx on this machine, so the proxy of the runbook is not tried\n');

let directory: string;
let served: ServedConsole;
let nginx: ChildProcess | undefined;
let port: number;

/** The block of the runbook as it stands there, but for what a test cannot have: the port, the console's port, the files. */
async function configuration(consolePort: number): Promise<string> {
  const block = /```nginx\n([\s\S]*?)```/.exec(await readFile(RUNBOOK, 'utf8'))?.[1] ?? '';
  const changes: readonly (readonly [string, string])[] = [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['/etc/ssl/dba.example.org.pem', path.join(directory, 'cert.pem')],
    ['/etc/ssl/dba.example.org.key', path.join(directory, 'key.pem')],
    ['127.0.0.1:9188', `127.0.0.1:${consolePort}`],
  ];
  for (const [written] of changes) expect(block).toContain(written);
  const own = changes.reduce((text, [written, tried]) => text.replace(written, tried), block);
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${path.join(directory, name)};`);
  return `daemon off; pid ${path.join(directory, 'nginx.pid')}; error_log ${path.join(directory, 'error.log')};
events {}
http { access_log off; gzip on; gzip_types *; gzip_proxied any; ${places.join(' ')}
${own}
}
`;
}

beforeAll(async () => {
  if (!hasNginx) return;
  directory = await makeDirectory();
  port = await freePort();
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2'];
  await promisify(execFile)('openssl', ['req', '-x509', ...key, '-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`], {
    cwd: directory,
  });
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    'version: 1\nclusters: { main: { url: "postgresql://nobody@127.0.0.1:1/none" } }\n',
    {
      mode: 0o600,
    },
  );
  await writeFile(path.join(directory, 'password'), `${PASSWORD}\n`);
  const add = ['console', 'user', 'add', 'olga', '--role', 'operator', '--password-file', 'password'];
  expect(await runCli(add, { cwd: directory })).toMatchObject({ status: 0 });
  const consolePort = await freePort();
  served = await serveConsole(directory, ['--listen', `127.0.0.1:${consolePort}`, '--behind-proxy', '--host', HOST]);
  await writeFile(path.join(directory, 'nginx.conf'), await configuration(consolePort));
  nginx = spawn('nginx', ['-c', path.join(directory, 'nginx.conf')], { stdio: 'ignore' });
  await vi.waitFor(async () => expect(await status('GET', '/')).toBe(200), { timeout: 10_000, interval: 50 });
});
afterAll(async () => {
  if (!hasNginx) return;
  nginx?.kill('SIGTERM');
  await served.stop();
  await removeDirectory(directory);
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const ORIGIN = (): string => `https://${HOST}:${port}`;

/** Through the proxy, as a browser that knows it by its name; `upTo` ends it when that has come. */
async function send(method: string, at: string, headers: Readonly<Record<string, string>> = {}, body = '', upTo?: string): Promise<Answer> {
  const ca = await readFile(path.join(directory, 'cert.pem'));
  const options: RequestOptions = {
    method,
    host: '127.0.0.1',
    port,
    path: at,
    ca,
    servername: HOST,
    headers: { host: `${HOST}:${port}`, ...headers },
    agent: false,
  };
  return await new Promise((resolve, reject) => {
    const outgoing = request(options, (incoming) => {
      let text = '';
      const done = (): void => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
      incoming.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (upTo === undefined || !text.includes(upTo)) return;
        done();
        outgoing.destroy();
      });
      incoming.on('end', done);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function status(method: string, at: string): Promise<number> {
  return await send(method, at).then(
    (answer) => answer.status,
    () => 0,
  );
}

async function signIn(headers: Readonly<Record<string, string>>): Promise<Answer> {
  const own = { 'content-type': 'application/json', ...headers };
  return await send('POST', '/api/sign-in', own, JSON.stringify({ name: 'olga', password: PASSWORD }));
}

test.skipIf(!hasNginx)(
  'through the nginx of the runbook: signed in by a cookie for TLS only, known by the address that the proxy saw',
  async () => {
    const page = await send('GET', '/');
    expect(page.headers).toMatchObject({
      'strict-transport-security': expect.any(String),
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    const entered = await signIn({ origin: ORIGIN(), 'x-forwarded-for': '192.0.2.66' });
    expect(entered.status).toBe(200);
    expect(String(entered.headers['set-cookie'])).toMatch(/^__Host-dbadmin=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    const cookie = String(entered.headers['set-cookie']).split(';')[0] ?? '';
    const own = JSON.parse((await send('GET', '/api/sessions', { cookie })).body) as object;
    // Not what whoever asked had written into the header.
    expect(own).toMatchObject({ sessions: [{ from: '127.0.0.1', isThis: true }] });
  },
);

test.skipIf(!hasNginx)(
  'events come through it as they happen, though it would gather and compress what it passes on',
  async () => {
    const cookie = String((await signIn({ origin: ORIGIN() })).headers['set-cookie']).split(';')[0] ?? '';
    const events = await send('GET', '/api/events', { cookie, accept: 'text/event-stream' }, '', 'event: status');
    expect(events.headers).toMatchObject({ 'content-type': 'text/event-stream' });
    expect(events.body).toContain('event: status');
  },
  20_000,
);

test.skipIf(!hasNginx)('a name that is not its own, and a page from elsewhere, are refused through it, too', async () => {
  const hostile = await send('GET', '/api/doors', { host: 'evil.example' });
  expect([hostile.status, hostile.body]).toEqual([403, expect.stringContaining('does not answer to the host')]);
  const foreign = await signIn({ origin: 'https://evil.example' });
  expect([foreign.status, foreign.body]).toEqual([403, expect.stringContaining('Host as the browser sent it')]);
});
