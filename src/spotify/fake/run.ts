import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { Accounts } from './accounts.ts';
import type { ApiDescription } from './description.ts';
import { Faults, type FaultOptions } from './faults.ts';
import type { FieldSet } from './fields.ts';
import { pngTile } from './picture.ts';
import { respond } from './respond.ts';
import { makeWorld, type World } from './world.ts';

export interface FakeServerOptions extends FaultOptions {
  readonly description: ApiDescription;
  readonly clock: Clock;
  /** 0 for any that is free. */
  readonly port: number;
  readonly seed: number;
  readonly listener: string;
  readonly plays: number;
  readonly fields: FieldSet;
  /** Told of each request: method, path and query, status. Never a token. */
  readonly onRequest?: (line: string) => void;
}

/** A server that behaves as Spotify's accounts and Web API do, on loopback. */
export interface FakeServer {
  /** Accounts at `/authorize` and `/api/token`, the API below `/v1`, pictures below `/image`. */
  readonly url: string;
  readonly world: World;
  readonly accounts: Accounts;
  readonly faults: Faults;
  /** Requests so far, oldest first. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

const MAX_FORM_BYTES = 65_536;

/** @throws {DbadminError} `refused` when the port is taken. */
export async function startFakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const requests: string[] = [];
  const accounts = new Accounts(options.clock, () => randomBytes(18).toString('base64url'));
  const faults = new Faults(options.clock, options);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new DbadminError('refused', `cannot listen on 127.0.0.1:${options.port}`, { detail: messageOf(error), cause: error })),
    );
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = makeWorld({ ...options, until: options.clock.now(), url });
  const site: Site = { options, url, world, accounts, faults };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.on('close', () => {
      const line = `${request.method} ${withoutSecrets(request.url ?? '')} ${response.statusCode}`;
      requests.push(line);
      options.onRequest?.(line);
    });
    serve(site, request, response).catch((error: unknown) => {
      if (!response.headersSent) sendJson(response, 500, { error: { status: 500, message: messageOf(error) } });
    });
  });
  return {
    url,
    world,
    accounts,
    faults,
    requests,
    close: async () =>
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Site {
  readonly options: FakeServerOptions;
  readonly url: string;
  readonly world: World;
  readonly accounts: Accounts;
  readonly faults: Faults;
}

async function serve(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = new URL(request.url ?? '/', site.url);
  const { basePath } = site.options.description;
  if (asked.pathname === '/authorize') return authorize(site, asked, response);
  if (asked.pathname === '/api/token' && request.method === 'POST') {
    const { status, body } = site.accounts.token(new URLSearchParams(await readForm(request)));
    return sendJson(response, status, body);
  }
  if (asked.pathname.startsWith('/image/')) return sendPicture(asked.pathname.slice('/image/'.length), response);
  if (asked.pathname.startsWith(`${basePath}/`)) return api(site, request, asked, response);
  sendJson(response, 404, { error: { status: 404, message: 'Service not found' } });
}

function authorize(site: Site, asked: URL, response: ServerResponse): void {
  const answer = site.accounts.authorize(asked.searchParams);
  if (answer.kind === 'refusal') {
    response.writeHead(400, { 'content-type': 'text/plain' }).end(`${answer.message}\n`);
    return;
  }
  response.writeHead(302, { location: answer.url }).end();
}

function api(site: Site, request: IncomingMessage, asked: URL, response: ServerResponse): void {
  const path = asked.pathname.slice(site.options.description.basePath.length);
  const fault = site.faults.next(path);
  if (fault?.kind === 'cut') {
    request.socket.destroy();
    return;
  }
  if (fault?.kind === 'body') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(fault.text);
    return;
  }
  if (fault !== undefined) {
    const headers = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
    return sendJson(response, fault.status, { error: { status: fault.status, message: 'made to fail' } }, headers);
  }
  const { status, body } = respond(site.options.description, site.world, site.options.fields, {
    method: request.method ?? 'GET',
    path,
    query: asked.searchParams,
    href: `${site.url}${asked.pathname}`,
    scopes: site.accounts.scopesOf(request.headers.authorization),
  });
  sendJson(response, status, body);
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function sendPicture(id: string, response: ServerResponse): void {
  if (id.startsWith('gone-')) {
    response.writeHead(404).end();
    return;
  }
  const [red = 0, green = 0, blue = 0] = Buffer.from(id);
  response.writeHead(200, { 'content-type': 'image/png' }).end(pngTile(red, green, blue));
}

async function readForm(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_FORM_BYTES) throw new RangeError('the form is too long');
  }
  return text;
}

/** Codes, states and challenges are for one sign-in, but still nobody's business. */
function withoutSecrets(address: string): string {
  return address.replace(/\b(code|state|code_challenge)=[^&]*/g, '$1=***');
}
