import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { ApiClient } from '../../../src/spotify/api/run.ts';
import type { SignIn } from '../../../src/spotify/auth/sign-in.ts';
import { listSignIns, readSignIn, removeSignIn, signInPlaces, writeSignIn } from '../../../src/spotify/auth/sign-in-apply.ts';
import type { FakeServer } from '../../../src/spotify/fake/run.ts';
import { askingWith, isDescribed, listeningLog, signInTo, startFake, TestClock, WHY_SKIPPED } from './fake-spotify.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('signing in to the fake server', () => {
  let clock: TestClock;
  let fake: FakeServer;
  let home: string;

  beforeEach(async (context) => {
    if (!isDescribed) context.skip(WHY_SKIPPED);
    clock = new TestClock();
    fake = await startFake({ clock });
    home = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-sign-in-'));
  });
  afterEach(async () => {
    await fake?.close();
    if (home !== undefined) await rm(home, { recursive: true, force: true });
  });

  const clientOf = (signIn: SignIn, kept: SignIn[] = []): ApiClient =>
    new ApiClient(signIn, askingWith(clock), async (changed) => void kept.push(changed));

  it('F1: PKCE, a code is taken for tokens, and the account says whose they are', async () => {
    const signIn = await signInTo(fake, askingWith(clock), { listener: undefined });
    expect(signIn).toMatchObject({ accountId: 'account-ada', listener: 'account-ada', clientId: 'client' });
    expect(signIn.tokens?.access.reveal()).toMatch(/^fake-access-/);
    expect((await clientOf(signIn).get('me')).body['account_id']).toBe('account-ada');
  });

  it('a code is worth nothing without the verifier of who asked for it, and only once', async () => {
    const query = {
      client_id: 'client',
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1:1/callback',
      code_challenge_method: 'S256',
    };
    const request = new URLSearchParams({ ...query, code_challenge: 'x'.repeat(43), state: 's' });
    const answer = fake.accounts.authorize(request);
    const code = new URL(answer.kind === 'redirect' ? answer.url : '').searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', client_id: 'client', redirect_uri: query.redirect_uri, code };
    const take = (): unknown => fake.accounts.token(new URLSearchParams({ ...form, code_verifier: 'guessed' })).body['error_description'];
    expect([take(), take()]).toEqual(['code_verifier was incorrect', 'Invalid authorization code']);
  });

  it('F1: another state is refused, and no code is taken', async () => {
    fake.accounts.faults.wrongState = true;
    await expect(signInTo(fake, askingWith(clock))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/another state/),
    });
    expect(fake.requests.filter((line) => line.includes('/api/token'))).toEqual([]);
  });

  it('denied: exit 12, and nothing is kept', async () => {
    fake.accounts.faults.denied = true;
    await expect(signInTo(fake, askingWith(clock))).rejects.toMatchObject({
      code: 'sign-in-needed',
      exitStatus: 12,
      message: expect.stringMatching(/denied/),
    });
  });

  it('localhost by its name is refused before anybody is sent there', async () => {
    const asked = signInTo(fake, askingWith(clock), { redirectUri: 'http://localhost:8888/callback' });
    await expect(asked).rejects.toMatchObject({ code: 'usage' });
  });

  it('F2: a token that ends within a minute is renewed first; an answer without a refresh token keeps the old one', async () => {
    const kept: SignIn[] = [];
    const signIn = await signInTo(fake, askingWith(clock));
    clock.move(HOUR_MS - 30_000);
    await clientOf(signIn, kept).get('me');
    expect(kept).toHaveLength(1);
    expect(kept[0]?.tokens?.refresh.reveal()).toBe(signIn.tokens?.refresh.reveal());
    expect(kept[0]?.tokens?.access.reveal()).not.toBe(signIn.tokens?.access.reveal());
    expect(fake.requests.filter((line) => line.endsWith('401'))).toEqual([]);
  });

  it('F2: a refresh token that comes anew takes the place of the old one', async () => {
    fake.accounts.faults.rotates = true;
    const kept: SignIn[] = [];
    const client = clientOf(await signInTo(fake, askingWith(clock)), kept);
    for (let hours = 0; hours < 3; hours += 1) {
      clock.move(HOUR_MS);
      await client.get('me');
    }
    expect(new Set(kept.map(({ tokens }) => tokens?.refresh.reveal())).size).toBe(3);
  });

  it('F2: 401 renews once; 401 again is not asked a third time', async () => {
    const signIn = await signInTo(fake, askingWith(clock));
    fake.accounts.endAccess();
    const client = clientOf(signIn);
    await client.get('me');
    expect(fake.requests.filter((line) => line.endsWith(' 401'))).toHaveLength(1);
    fake.faults.add({ times: 5, what: { kind: 'status', status: 401 } });
    await expect(client.get('me')).rejects.toMatchObject({ code: 'api-refused' });
    expect(fake.requests.filter((line) => line.endsWith(' 401'))).toHaveLength(3);
  });

  it('F2: invalid_grant, the tokens are thrown away, sign-in is needed, nothing is tried again', async () => {
    const kept: SignIn[] = [];
    const signIn = await signInTo(fake, askingWith(clock));
    fake.accounts.faults.revoked = true;
    clock.move(2 * HOUR_MS);
    const client = clientOf(signIn, kept);
    await expect(client.get('me')).rejects.toMatchObject({
      code: 'sign-in-needed',
      exitStatus: 12,
      detail: expect.stringMatching(/Refresh token revoked/),
    });
    await expect(client.get('me')).rejects.toMatchObject({ code: 'sign-in-needed' });
    expect(kept.map(({ tokens }) => tokens)).toEqual([undefined]);
    expect(fake.requests.filter((line) => line.includes('/api/token'))).toHaveLength(2);
    expect(clock.slept).toEqual([]);
  });

  it('six months after the sign-in it ends, whatever was renewed meanwhile, and the message says so', async () => {
    const client = clientOf(await signInTo(fake, askingWith(clock)));
    clock.move(183 * DAY_MS);
    await client.get('me');
    clock.move(2 * DAY_MS);
    await expect(client.get('me')).rejects.toMatchObject({
      code: 'sign-in-needed',
      detail: expect.stringMatching(/2026-09-01, six months/),
    });
  });

  it('F1: tokens are never in clear, not on disk, not in the log, not in errors or in what is printed', async () => {
    const { log, said } = listeningLog();
    const asking = askingWith(clock, log);
    const signIn = await signInTo(fake, asking);
    const places = signInPlaces({ HOME: home }, home);
    await writeSignIn(places, signIn);
    fake.faults.add({ times: 1, what: { kind: 'status', status: 503 } });
    fake.faults.add({ times: 1, what: { kind: 'status', status: 403 } });
    const error: unknown = await new ApiClient(signIn, asking, async () => undefined).get('me').catch((thrown: unknown) => thrown);
    const seen = [...said, JSON.stringify(error), String(error), JSON.stringify(signIn), ...fake.requests];
    for (const name of await readdir(home, { recursive: true })) {
      const file = path.join(home, name);
      if ((await stat(file)).isFile()) seen.push(await readFile(file, 'latin1'));
    }
    expect(said).not.toEqual([]);
    const tokens = [signIn.tokens?.access.reveal() ?? '', signIn.tokens?.refresh.reveal() ?? ''];
    for (const text of seen) for (const token of tokens) expect(text).not.toContain(token);
    expect((await readSignIn(places, 'ada'))?.tokens?.refresh.reveal()).toBe(tokens[1]);
  });

  it('the file of a sign-in is for its owner alone, bound to its server, and opens with its key only', async () => {
    const places = signInPlaces({ HOME: home }, home);
    await writeSignIn(places, await signInTo(fake, askingWith(clock)));
    const [name = ''] = await readdir(places.directory);
    const file = path.join(places.directory, name);
    expect([(await stat(file)).mode & 0o777, (await stat(places.keyFile)).mode & 0o777]).toEqual([0o600, 0o600]);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"apiUrl": "[^"]*"/, '"apiUrl": "https://elsewhere.example/v1"'));
    await expect(readSignIn(places, 'ada')).rejects.toMatchObject({ code: 'key-wrong' });
    await writeFile(file, text);
    await expect(readSignIn({ ...places, passphrase: new Secret('another') }, 'ada')).rejects.toMatchObject({ code: 'key-wrong' });
    await rm(places.keyFile);
    await expect(readSignIn(places, 'ada')).rejects.toMatchObject({ code: 'key-wrong', exitStatus: 12 });
    expect((await listSignIns(places)).map(({ listener }) => listener)).toEqual(['ada']);
    expect([await removeSignIn(places, 'ada'), await removeSignIn(places, 'ada')]).toEqual([true, false]);
  });

  it('F3: 429 waits as Retry-After says and a little more, 5xx longer each time, 403 not at all', async () => {
    const client = clientOf(await signInTo(fake, askingWith(clock)));
    fake.faults.add({ times: 1, what: { kind: 'status', status: 429, retryAfter: '7' } });
    await client.get('me');
    expect(clock.slept.splice(0)).toEqual([7350]);
    for (const status of [500, 502, 503]) fake.faults.add({ times: 1, what: { kind: 'status', status } });
    fake.faults.add({ times: 1, what: { kind: 'cut' } });
    fake.faults.add({ times: 1, what: { kind: 'body', text: '{"items": [' } });
    await client.get('me');
    expect(clock.slept.splice(0)).toEqual([375, 750, 1500, 3000, 6000]);
    fake.faults.add({ times: 9, what: { kind: 'status', status: 403 } });
    await expect(client.get('me')).rejects.toMatchObject({ code: 'api-refused', exitStatus: 1 });
    expect(clock.slept).toEqual([]);
  });

  it('tries are bounded, and a wait of hours is left to whoever asked', async () => {
    const client = clientOf(await signInTo(fake, askingWith(clock)));
    fake.faults.add({ times: 6, what: { kind: 'status', status: 503 } });
    await expect(client.get('me')).rejects.toMatchObject({ code: 'api-failed', detail: 'It was tried 6 times.' });
    clock.slept.length = 0;
    fake.faults.add({ times: 1, what: { kind: 'status', status: 429, retryAfter: '43200' } });
    await expect(client.get('me')).rejects.toMatchObject({
      code: 'api-failed',
      retryable: true,
      message: expect.stringMatching(/again in/),
    });
    expect(clock.slept).toEqual([]);
  });

  it('the rolling limit of requests is met by waiting', async () => {
    await fake.close();
    fake = await startFake({ clock, rateLimit: 5 });
    const client = clientOf(await signInTo(fake, askingWith(clock)));
    for (let n = 0; n < 12; n += 1) await client.get('me');
    expect(fake.requests.filter((line) => line.endsWith(' 429')).length).toBeGreaterThan(0);
    expect(fake.requests.filter((line) => line.includes('/v1/me ') && line.endsWith(' 200'))).toHaveLength(13);
  });

  it('a token is never sent where a page says the next one is, when that is another server', async () => {
    const client = clientOf(await signInTo(fake, askingWith(clock)));
    await expect(client.get('https://elsewhere.example/v1/me')).rejects.toMatchObject({ code: 'api-failed' });
  });

  it('before February 2026 there is no account_id: the id is the account', async () => {
    await fake.close();
    fake = await startFake({ clock, fields: 'before' });
    const signIn = await signInTo(fake, askingWith(clock));
    expect(signIn.accountId).toBe('ada');
  });
});
