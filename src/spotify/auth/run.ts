import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { Asking } from '../api/http-run.ts';
import { ApiClient } from '../api/run.ts';
import { askForTokens } from '../api/session-run.ts';
import { authorizeUrl, parseRedirect, readRedirect, SCOPES, type SpotifyServer } from './authorization.ts';
import type { SignIn } from './sign-in.ts';

export interface SignInRequest {
  readonly clientId: string;
  readonly server: SpotifyServer;
  /** `http://127.0.0.1:PORT/PATH`, exactly as in the dashboard. */
  readonly redirectUri: string;
  /** Undefined: the account's identifier. */
  readonly listener: string | undefined;
  readonly timeoutMs: number;
  /** Given the address that the person has to open. */
  readonly show: (url: string) => void;
}

/**
 * Signs somebody in by authorization code with PKCE: shows an address, waits for the browser to come back, takes the code for
 * tokens and asks whose they are. Keeps nothing.
 *
 * @throws {DbadminError} `refused` for another state or a port that is taken, `sign-in-needed` when denied, `api-failed`,
 * `interrupted`.
 * @see RFC 7636, RFC 8252 section 7.3
 */
export async function signIn(asking: Asking, request: SignInRequest): Promise<SignIn> {
  const { clientId, server, redirectUri } = request;
  const verifier = randomBytes(48).toString('base64url');
  const state = randomBytes(24).toString('base64url');
  const code = await waitForCode(asking, request, state, authorizeUrl(server, { clientId, redirectUri, state, verifier }));
  const authorisedAt = asking.clock.now();
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    client_id: clientId,
    code_verifier: verifier,
  });
  const { tokens, scopes } = await askForTokens(asking, server.accountsUrl, form);
  refuseMissing(scopes);
  const unnamed: SignIn = { listener: 'me', accountId: 'me', clientId, server, scopes, authorisedAt, tokens };
  const { body } = await new ApiClient(unnamed, asking, async () => undefined).get('me');
  // Before February 2026 there is no account_id.
  const accountId = body['account_id'] ?? body['id'];
  if (typeof accountId !== 'string' || accountId === '') throw new DbadminError('api-failed', 'Spotify does not say whose account it is');
  return { ...unnamed, accountId, listener: request.listener ?? accountId };
}

function refuseMissing(scopes: readonly string[]): void {
  const missing = SCOPES.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) throw new DbadminError('sign-in-needed', `the sign-in does not allow ${missing.join(', ')}`);
}

async function waitForCode(asking: Asking, request: SignInRequest, state: string, address: string): Promise<string> {
  const { host, port, path } = parseRedirect(request.redirectUri);
  const server = createServer();
  const stopped = AbortSignal.any([asking.signal, AbortSignal.timeout(request.timeoutMs)]);
  try {
    await listen(server, host, port);
    const code = nextRedirect(server, path, state, stopped, asking.signal);
    request.show(address);
    return await code;
  } finally {
    server.close();
    server.closeIdleConnections();
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const hint = 'Stop what listens there, or enter another redirect in the dashboard and give it with --redirect.';
      reject(new DbadminError('refused', `cannot listen on ${host}:${port}`, { detail: messageOf(error), hint, cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

async function nextRedirect(server: Server, path: string, state: string, stopped: AbortSignal, signal: AbortSignal): Promise<string> {
  return await new Promise<string>((resolve, reject) => {
    stopped.addEventListener('abort', () =>
      reject(new DbadminError('interrupted', signal.aborted ? 'interrupted while waiting for the sign-in' : 'nobody signed in in time')),
    );
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const asked = new URL(request.url ?? '/', 'http://localhost');
      if (asked.pathname !== path || request.method !== 'GET') {
        say(response, 404, 'Nothing is here.');
        return;
      }
      try {
        const code = readRedirect(asked.searchParams, state);
        say(response, 200, 'Signed in. You can close this page.');
        resolve(code);
      } catch (error) {
        say(response, 400, `Not signed in: ${messageOf(error)}.`);
        reject(error);
      }
    });
  });
}

function say(response: ServerResponse, status: number, text: string): void {
  // The address of this page holds the code: nothing may be told of it.
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    connection: 'close',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
  response.writeHead(status, headers).end(`${text}\n`);
}
