import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sendMail, type MailServer } from '../../../src/alerts/mail-run.ts';
import { testMessage } from '../../../src/alerts/message.ts';
import type { Receiver } from '../../../src/alerts/receivers.ts';
import { runAlerts, type AlertRun } from '../../../src/alerts/run.ts';
import { AlertFile } from '../../../src/alerts/state-apply.ts';
import { postWebhook } from '../../../src/alerts/webhook-run.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { Condition } from '../../../src/base/condition.ts';
import { Secret } from '../../../src/base/secret.ts';
import { isSigned, startMailServer, startWebhook } from '../../live/status/receivers.ts';

const SECRET = 'only the two of us know';
const PASSWORD = 'pass word of the mail server';
const NEVER = new AbortController().signal;
const NOW = new Date('2026-11-21T12:00:00Z');
const message = testMessage('shop', 'test-1', NOW);
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-alerts-'));
});
afterAll(async () => await rm(directory, { recursive: true }));

/** Looks at one thing that is bad or good, `minutes` after noon, as a timer would: everything but the file is new each time. */
async function look(
  name: string,
  state: Condition['state'],
  minutes: number,
  receivers: readonly Receiver[],
  said: string[] = [],
): Promise<AlertRun> {
  const observation = { kind: 'backup-late', cluster: 'main', policy: undefined, subject: 'local', severity: 'late' } as const;
  const seen: Condition = { ...observation, state, what: 'the backup is late', next: 'dbadmin backup run', holdMs: 0, settleMs: 0 };
  const clock: Clock = { now: () => new Date(NOW.getTime() + minutes * 60_000), sleep: async () => await Promise.resolve() };
  const log = { warn: (text: string) => void said.push(text), info: () => undefined, debug: () => undefined };
  return await runAlerts([seen], {
    store: new AlertFile(path.join(directory, name)),
    receivers,
    project: 'shop',
    clock,
    log,
    signal: NEVER,
  });
}

function webhookAt(url: string): Receiver {
  const channel = { kind: 'webhook', url: new Secret(url), secret: new Secret(SECRET) } as const;
  return { name: 'webhook-1', policy: 'shop', cluster: 'main', on: ['failed', 'late', 'recovered'], channel };
}

test('G2: what could not be delivered while the network was down comes afterwards, in order, signed, each once', async () => {
  const gone = await startWebhook();
  const receivers = [webhookAt(gone.url)];
  await gone.close();
  const said: string[] = [];
  expect((await look('down', 'bad', 0, receivers, said)).waiting).toMatchObject([
    { attempts: 1, failure: expect.stringMatching(/ECONNREFUSED/) },
  ]);
  expect((await look('down', 'good', 1, receivers, said)).waiting.map(({ message: { event } }) => event)).toEqual(['raised', 'over']);
  const back = await startWebhook(Number(new URL(gone.url).port));
  expect((await look('down', 'good', 30, receivers, said)).waiting).toEqual([]);
  expect((await look('down', 'good', 60, receivers, said)).delivered).toEqual([]);
  expect(back.received.map(({ message: { event } }) => event)).toEqual(['raised', 'over']);
  expect(back.received.every((each) => isSigned(each, SECRET, NOW.getTime() + 30 * 60_000))).toBe(true);
  await back.close();
  // What it is sent to and signed with stands neither in what is said nor in what is kept.
  const kept = await readFile(path.join(directory, 'down'), 'utf8');
  expect([...said, kept].join('\n')).not.toMatch(/of-nobody-else|only the two/);
});

test('alerts: a receiver that fails is asked again with the same id; one that forwards elsewhere is not followed', async () => {
  const [hook, other] = await Promise.all([startWebhook(), startWebhook()]);
  const receivers = [webhookAt(hook.url)];
  hook.answer = { status: 503 };
  await look('fails', 'bad', 0, receivers);
  hook.answer = { status: 307, headers: { location: other.url } };
  expect((await look('fails', 'bad', 1, receivers)).waiting).toMatchObject([{ failure: expect.stringMatching(/307/) }]);
  hook.answer = { status: 200 };
  await look('fails', 'bad', 2, receivers);
  expect(new Set(hook.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect([hook.received.length, other.received.length]).toEqual([3, 0]);
  await Promise.all([hook.close(), other.close()]);
});

test('webhook: what is refused is given up, what may be mended is not, and a receiver is believed when to come again', async () => {
  const hook = await startWebhook();
  const post = async (status: number, headers?: Readonly<Record<string, string>>) => {
    hook.answer = { status, ...(headers === undefined ? {} : { headers }) };
    return await postWebhook({ kind: 'webhook', url: new Secret(hook.url), secret: undefined }, message, NOW, NEVER);
  };
  expect(await post(400)).toMatchObject({ kind: 'refused' });
  for (const status of [401, 404, 500, 502]) expect(await post(status)).toMatchObject({ kind: 'delayed' });
  expect(await post(429, { 'retry-after': '90' })).toMatchObject({ kind: 'delayed', afterMs: 90_000 });
  expect(hook.received[0]?.headers['webhook-signature']).toBeUndefined();
  await hook.close();
});

test.each([
  ['no address', 'not an address'],
  ['another kind of address', 'ftp://127.0.0.1/x'],
])('webhook: %s is told without saying it', async (_what, url) => {
  const delivery = await postWebhook({ kind: 'webhook', url: new Secret(url), secret: undefined }, message, NOW, NEVER);
  expect(delivery.kind).toBe('delayed');
  expect(JSON.stringify(delivery)).not.toContain(url);
});

test('webhook: a secret that cannot be had is told, and nobody else goes without', async () => {
  const missing = new Secret(() => {
    throw new Error('environment variable OPS_WEBHOOK is not set');
  });
  expect(await postWebhook({ kind: 'webhook', url: missing, secret: undefined }, message, NOW, NEVER)).toEqual({
    kind: 'delayed',
    why: 'environment variable OPS_WEBHOOK is not set',
  });
});

test('alerts: where the state cannot be kept people are told all the same, and once while the process lives', async () => {
  const hook = await startWebhook();
  // A file stands where its directory should be.
  await writeFile(path.join(directory, 'file'), '');
  const store = new AlertFile(path.join(directory, 'file', 'alerts.json'));
  const observation: Condition = {
    kind: 'k',
    cluster: 'main',
    policy: undefined,
    subject: undefined,
    severity: 'failed',
    state: 'bad',
    what: 'w',
    next: 'n',
    holdMs: 0,
    settleMs: 0,
  };
  const log = { warn: () => undefined, info: () => undefined, debug: () => undefined };
  const clock: Clock = { now: () => NOW, sleep: async () => await Promise.resolve() };
  const options = { store, receivers: [webhookAt(hook.url)], project: 'shop', clock, log, signal: NEVER };
  const first = await runAlerts([observation], options);
  await runAlerts([observation], options);
  expect(first.problem).toMatch(/cannot be kept/);
  expect(hook.received).toHaveLength(1);
  await hook.close();
});

/** A certificate for 127.0.0.1 that nobody else trusts. */
async function certificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=mx'];
  const files = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', path.join(directory, 'key'), '-out', path.join(directory, 'cert')];
  await promisify(execFile)('openssl', [...args, ...files]);
  return { key: await readFile(path.join(directory, 'key'), 'utf8'), cert: await readFile(path.join(directory, 'cert'), 'utf8') };
}

const server = (port: number, over: Partial<MailServer> = {}): MailServer => ({
  host: '127.0.0.1',
  port,
  security: 'none',
  user: undefined,
  password: undefined,
  ca: undefined,
  from: 'db@example.org',
  ...over,
});
const to = (mail: MailServer) => ({ kind: 'email', address: 'dba@example.org', server: mail }) as const;

test('mail: goes over TLS with a password that is checked, and says it once', async () => {
  const { key, cert } = await certificate();
  const seen: string[] = [];
  const mx = await startMailServer({
    key,
    cert,
    secure: false,
    authMethods: ['PLAIN'],
    onAuth: (auth, session, done) => {
      seen.push(`${session.secure ? 'TLS' : 'clear'} ${auth.username ?? ''}`);
      if (auth.password === PASSWORD) done(null, { user: auth.username ?? '' });
      else done(new Error(`no: ${auth.password ?? ''}`));
    },
  });
  const login = { security: 'starttls', user: 'dbadmin', ca: () => cert } as const;
  expect(await sendMail(to(server(mx.port, { ...login, password: new Secret(PASSWORD) })), message, NEVER)).toEqual({ kind: 'delivered' });
  expect(mx.mails).toHaveLength(1);
  expect(mx.mails[0]?.text).toMatch(/Subject: \[dbadmin\] TEST shop: a test.*\r\n/);
  expect(mx.mails[0]?.text).toMatch(/Auto-Submitted: auto-generated/);
  // A wrong password may be mended; what the server repeats of it is not passed on.
  const wrong = await sendMail(to(server(mx.port, { ...login, password: new Secret('wrong one') })), message, NEVER);
  expect(wrong.kind).toBe('delayed');
  expect(JSON.stringify(wrong)).not.toContain('wrong one');
  // A server that nobody vouches for gets nothing.
  const stranger = server(mx.port, { security: 'starttls', user: 'dbadmin', password: new Secret(PASSWORD) });
  expect(await sendMail(to(stranger), message, NEVER)).toMatchObject({ kind: 'delayed', why: expect.stringMatching(/self.signed/) });
  expect(seen).toEqual(['TLS dbadmin', 'TLS dbadmin']);
  await mx.close();
});

test('mail: a server without TLS gets neither password nor mail where TLS is asked for', async () => {
  const seen: string[] = [];
  const mx = await startMailServer({
    hideSTARTTLS: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: (auth, _session, done) => {
      seen.push(auth.password ?? '');
      done(null, { user: 'x' });
    },
  });
  const delivery = await sendMail(to(server(mx.port, { security: 'starttls', user: 'u', password: new Secret(PASSWORD) })), message, NEVER);
  expect([delivery.kind, seen, mx.mails]).toEqual(['delayed', [], []]);
  await mx.close();
});

test('mail: an address that the server does not know is given up, one that it cannot take now is not', async () => {
  const mx = await startMailServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo: ({ address }, _session, done) => {
      const code = address.startsWith('nobody') ? 550 : 450;
      done(Object.assign(new Error('no'), { responseCode: code }));
    },
  });
  const send = async (address: string) => await sendMail({ kind: 'email', address, server: server(mx.port) }, message, NEVER);
  expect((await send('nobody@example.org')).kind).toBe('refused');
  expect((await send('later@example.org')).kind).toBe('delayed');
  await mx.close();
  expect((await send('dba@example.org')).kind).toBe('delayed');
});
