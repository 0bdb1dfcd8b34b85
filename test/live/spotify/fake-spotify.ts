import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import type { Clock } from '../../../src/base/clock.ts';
import type { Log } from '../../../src/base/log.ts';
import type { Asking } from '../../../src/spotify/api/http-run.ts';
import { DEFAULT_LIMITS } from '../../../src/spotify/api/retry.ts';
import { serverAt } from '../../../src/spotify/auth/authorization.ts';
import { signIn, type SignInRequest } from '../../../src/spotify/auth/run.ts';
import type { SignIn } from '../../../src/spotify/auth/sign-in.ts';
import { readDescription, type ApiDescription } from '../../../src/spotify/fake/description.ts';
import { startFakeServer, type FakeServer, type FakeServerOptions } from '../../../src/spotify/fake/run.ts';
import { PROJECT } from './warehouse.ts';

const DATA = path.resolve(process.env['DBADMIN_DATA'] ?? path.join(PROJECT, '../shared/data'));

/** The description of Spotify's Web API; it is not part of this project. */
export const OPENAPI = path.join(DATA, 'openapi/fixed-spotify-open-api.yml');
export const isDescribed = existsSync(OPENAPI);
export const WHY_SKIPPED = `the API's description is not there: ${OPENAPI} (DBADMIN_DATA names another directory)`;

const descriptions = new Map<string, Promise<ApiDescription>>();

/** The one that Spotify publishes: it has other operations for the top lists, and other mistakes. */
export const OFFICIAL_OPENAPI = path.join(DATA, 'openapi/official-spotify-open-api.yml');

/** A clock that stands until it is moved; who sleeps moves it. */
export class TestClock implements Clock {
  #now: number;
  readonly slept: number[] = [];

  constructor(now = '2026-03-01T12:00:00.000Z') {
    this.#now = Date.parse(now);
  }

  now(): Date {
    return new Date(this.#now);
  }

  move(delayMs: number): void {
    this.#now += delayMs;
  }

  async sleep(delayMs: number): Promise<void> {
    this.slept.push(delayMs);
    this.move(delayMs);
    await Promise.resolve();
  }
}

export async function startFake(options: Partial<FakeServerOptions> & { readonly clock: Clock }, file = OPENAPI): Promise<FakeServer> {
  const description = descriptions.get(file) ?? readFile(file, 'utf8').then((text) => readDescription(text, file));
  descriptions.set(file, description);
  const defaults = { port: 0, seed: 1, listener: 'ada', plays: 40, fields: 'after' } as const;
  return await startFakeServer({ ...defaults, ...options, description: await description });
}

/** Everything that is said to the log, for who looks for tokens in it. */
export function listeningLog(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  return { log: { warn: say, info: say, debug: say }, said };
}

export function askingWith(clock: Clock, log: Log = listeningLog().log): Asking {
  return { clock, log, random: () => 0.5, limits: DEFAULT_LIMITS, signal: new AbortController().signal };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Signs in as a person with a browser does: opens the address, and follows where it leads. */
export async function signInTo(fake: FakeServer, asking: Asking, request: Partial<SignInRequest> = {}): Promise<SignIn> {
  const pages: Promise<unknown>[] = [];
  try {
    return await signIn(asking, {
      clientId: 'client',
      server: serverAt(fake.url),
      redirectUri: `http://127.0.0.1:${await freePort()}/callback`,
      listener: 'ada',
      timeoutMs: 20_000,
      show: (url) => pages.push(fetch(url).then(async (page) => await page.text())),
      ...request,
    });
  } finally {
    await Promise.allSettled(pages);
  }
}
