import { createHash } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';

/** What `spotify fetch` reads, and nothing more. */
export const SCOPES = [
  'user-read-recently-played',
  'user-top-read',
  'user-read-private',
  'user-follow-read',
  'user-library-read',
  'user-read-playback-state',
  'playlist-read-private',
  'playlist-read-collaborative',
] as const;

/** Where a client signs in and asks. Both begin with https, or with http on loopback. */
export interface SpotifyServer {
  /** `https://accounts.spotify.com` */
  readonly accountsUrl: string;
  /** `https://api.spotify.com/v1` */
  readonly apiUrl: string;
}

export const SPOTIFY: SpotifyServer = { accountsUrl: 'https://accounts.spotify.com', apiUrl: 'https://api.spotify.com/v1' };

const LOOPBACK = new Set(['127.0.0.1', '[::1]']);

/**
 * The server at one address for both, as `spotify serve-fake` is. Undefined gives Spotify's own.
 *
 * @throws {DbadminError} `usage` for an address that tokens must not be sent to.
 */
export function serverAt(address: string | undefined): SpotifyServer {
  if (address === undefined) return SPOTIFY;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && LOOPBACK.has(url.hostname))) {
    throw new DbadminError('usage', `${address} is not an address of a server to sign in to`, {
      hint: 'Give https://…, or http://127.0.0.1:PORT: tokens are never sent in clear over a network.',
    });
  }
  const base = url.href.replace(/\/+$/, '');
  return { accountsUrl: base, apiUrl: `${base}/v1` };
}

/** The challenge of a verifier, 43 characters. @see RFC 7636 section 4.2 */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier, 'ascii').digest('base64url');
}

export interface AuthorizationRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  /** 43 to 128 of A-Z a-z 0-9 - . _ ~ */
  readonly verifier: string;
}

/** The address that the person opens to allow it. @see RFC 6749 section 4.1.1 */
export function authorizeUrl(server: SpotifyServer, request: AuthorizationRequest): string {
  const query = new URLSearchParams({
    client_id: request.clientId,
    response_type: 'code',
    redirect_uri: request.redirectUri,
    scope: SCOPES.join(' '),
    state: request.state,
    code_challenge_method: 'S256',
    code_challenge: challengeOf(request.verifier),
  });
  return `${server.accountsUrl}/authorize?${query.toString()}`;
}

/**
 * Where the browser is sent back to.
 *
 * @throws {DbadminError} `usage` when Spotify would not accept it or nobody could listen there.
 * @see Spotify's rules for redirect URIs of 2025: a loopback address by number; `localhost` is refused.
 */
export function parseRedirect(text: string): { readonly host: string; readonly port: number; readonly path: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' || !LOOPBACK.has(url.hostname) || url.port === '' || url.search !== '' || url.hash !== '') {
    throw new DbadminError('usage', `${text} cannot be the redirect`, {
      hint: 'Give http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH, exactly as it stands in the dashboard. Spotify refuses the name localhost.',
    });
  }
  return { host: url.hostname.replace(/[[\]]/g, ''), port: Number(url.port), path: url.pathname };
}

/**
 * The code that the redirect brought.
 *
 * @throws {DbadminError} `refused` when the state is not the one that was sent: somebody else's answer; `sign-in-needed` when the
 * person or Spotify said no.
 */
export function readRedirect(query: URLSearchParams, state: string): string {
  if (query.get('state') !== state) {
    throw new DbadminError('refused', 'the answer of the sign-in has another state than the question had', {
      detail: 'It may come from another tab, or from somebody who wants you to sign in to their account.',
      hint: 'Start the sign-in again, and open the address that it shows.',
    });
  }
  const error = query.get('error');
  if (error === 'access_denied') {
    throw new DbadminError('sign-in-needed', 'the sign-in was denied', {
      hint: 'Nothing is read without consent: sign in again and allow it.',
    });
  }
  if (error !== null) throw new DbadminError('sign-in-needed', `the sign-in failed: ${error}`);
  const code = query.get('code') ?? '';
  if (code === '') throw new DbadminError('sign-in-needed', 'the answer of the sign-in has no code');
  return code;
}
