import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';

/** How the accounts' side of the server misbehaves, for whoever wants to see what a client does then. May be changed while it runs. */
export interface AccountFaults {
  /** The person says no. */
  denied: boolean;
  /** The redirect carries another state than the request had. */
  wrongState: boolean;
  /** Answers to refreshes carry a new refresh token and the old one is void, as before 2026-07-20. */
  rotates: boolean;
  /** Answers to refreshes are invalid_grant. */
  revoked: boolean;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export type AuthorizeAnswer = { readonly kind: 'redirect'; readonly url: string } | { readonly kind: 'refusal'; readonly message: string };

interface Grant {
  readonly scopes: readonly string[];
  readonly clientId: string;
  readonly authorisedAt: Date;
}
interface Code extends Grant {
  readonly challenge: string;
  readonly redirectUri: string;
}

const ACCESS_SECONDS = 3600;
const CODE_MS = 600_000;
/** @see Spotify's announcement of 2026-06-18: refresh tokens end six months after the authorization. */
const REFRESH_MONTHS = 6;

/** The authorization server: authorization code with PKCE, and refresh. @see RFC 6749, RFC 7636 */
export class Accounts {
  readonly faults: AccountFaults = { denied: false, wrongState: false, rotates: false, revoked: false };
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #codes = new Map<string, Code>();
  readonly #access = new Map<string, Grant & { readonly endsAt: number }>();
  readonly #refresh = new Map<string, Grant>();

  /** `newId` gives a text that nobody can guess. */
  constructor(clock: Clock, newId: () => string) {
    this.#clock = clock;
    this.#newId = newId;
  }

  /** The person comes with the client's request and is sent back. */
  authorize(query: URLSearchParams): AuthorizeAnswer {
    const redirectUri = query.get('redirect_uri') ?? '';
    if (!query.has('client_id')) return { kind: 'refusal', message: 'INVALID_CLIENT: Invalid client' };
    if (!isSecureRedirect(redirectUri)) return { kind: 'refusal', message: 'INVALID_CLIENT: Insecure redirect URI' };
    if (query.get('response_type') !== 'code') return { kind: 'refusal', message: 'response_type must be code' };
    if (query.get('code_challenge_method') !== 'S256' || (query.get('code_challenge') ?? '') === '')
      return { kind: 'refusal', message: 'code_challenge_method must be S256' };
    const url = new URL(redirectUri);
    url.searchParams.set('state', this.faults.wrongState ? this.#newId() : (query.get('state') ?? ''));
    if (this.faults.denied) {
      url.searchParams.set('error', 'access_denied');
      return { kind: 'redirect', url: url.href };
    }
    const code = this.#newId();
    this.#codes.set(code, {
      challenge: query.get('code_challenge') ?? '',
      redirectUri,
      clientId: query.get('client_id') ?? '',
      scopes: (query.get('scope') ?? '').split(' ').filter((scope) => scope !== ''),
      authorisedAt: this.#clock.now(),
    });
    url.searchParams.set('code', code);
    return { kind: 'redirect', url: url.href };
  }

  /** What the token endpoint answers to a form. */
  token(form: URLSearchParams): TokenAnswer {
    if (form.get('grant_type') === 'authorization_code') return this.#exchange(form);
    if (form.get('grant_type') === 'refresh_token') return this.#renew(form);
    return refusal('unsupported_grant_type', 'grant_type must be client_credentials, authorization_code or refresh_token');
  }

  /** What a token may do; undefined when it is unknown or has ended. */
  scopesOf(authorization: string | undefined): readonly string[] | undefined {
    const grant = this.#access.get(authorization?.replace(/^Bearer /, '') ?? '');
    return grant === undefined || this.#clock.now().getTime() >= grant.endsAt ? undefined : grant.scopes;
  }

  /** All access tokens end now: as a password change does it. */
  endAccess(): void {
    this.#access.clear();
  }

  #exchange(form: URLSearchParams): TokenAnswer {
    const name = form.get('code') ?? '';
    const code = this.#codes.get(name);
    this.#codes.delete(name);
    if (code === undefined || this.#clock.now().getTime() > code.authorisedAt.getTime() + CODE_MS)
      return refusal('invalid_grant', 'Invalid authorization code');
    if (code.clientId !== form.get('client_id')) return refusal('invalid_client', 'Invalid client');
    if (code.redirectUri !== form.get('redirect_uri')) return refusal('invalid_grant', 'Invalid redirect URI');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== code.challenge) return refusal('invalid_grant', 'code_verifier was incorrect');
    const refreshToken = `fake-refresh-${this.#newId()}`;
    this.#refresh.set(refreshToken, code);
    return this.#grant(code, refreshToken);
  }

  #renew(form: URLSearchParams): TokenAnswer {
    const token = form.get('refresh_token') ?? '';
    const grant = this.#refresh.get(token);
    if (grant === undefined || this.faults.revoked) return refusal('invalid_grant', 'Refresh token revoked');
    if (grant.clientId !== form.get('client_id')) return refusal('invalid_client', 'Invalid client');
    const end = new Date(grant.authorisedAt);
    end.setUTCMonth(end.getUTCMonth() + REFRESH_MONTHS);
    if (this.#clock.now() >= end) return refusal('invalid_grant', 'Refresh token expired');
    if (!this.faults.rotates) return this.#grant(grant, undefined);
    this.#refresh.delete(token);
    const next = `fake-refresh-${this.#newId()}`;
    this.#refresh.set(next, grant);
    return this.#grant(grant, next);
  }

  #grant(grant: Grant, refreshToken: string | undefined): TokenAnswer {
    const accessToken = `fake-access-${this.#newId()}`;
    this.#access.set(accessToken, { ...grant, endsAt: this.#clock.now().getTime() + ACCESS_SECONDS * 1000 });
    return {
      status: 200,
      body: {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: ACCESS_SECONDS,
        scope: grant.scopes.join(' '),
        ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      },
    };
  }
}

function refusal(error: string, description: string): TokenAnswer {
  return { status: 400, body: { error, error_description: description } };
}

/** Loopback by its address, or HTTPS: since 2025 the name localhost is not enough. */
function isSecureRedirect(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && (hostname === '127.0.0.1' || hostname === '[::1]'));
}
