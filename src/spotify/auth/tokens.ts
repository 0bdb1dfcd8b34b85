import { DbadminError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';

/** What lets us ask in somebody's name. */
export interface Tokens {
  readonly access: Secret;
  readonly accessEndsAt: Date;
  readonly refresh: Secret;
}

export interface TokenAnswer {
  readonly tokens: Tokens;
  readonly scopes: readonly string[];
}

/**
 * Reads the token endpoint's answer of `status`. A refresh that brings no new refresh token keeps the one before; one that it
 * brings takes its place.
 *
 * @throws {DbadminError} `sign-in-needed` for `invalid_grant` (RFC 6749 section 5.2), `api-failed` for anything else. Neither
 * repeats what was sent.
 */
export function readTokenAnswer(status: number, text: string, receivedAt: Date, before: Tokens | undefined): TokenAnswer {
  const body = parseObject(text);
  if (status !== 200) throw tokenRefusal(status, body);
  const { access_token: access, expires_in: seconds, refresh_token: refresh, scope } = body;
  const kept = typeof refresh === 'string' && refresh !== '' ? new Secret(refresh) : before?.refresh;
  if (typeof access !== 'string' || access === '' || typeof seconds !== 'number' || kept === undefined)
    throw new DbadminError('api-failed', 'the answer to the sign-in holds no tokens');
  return {
    tokens: { access: new Secret(access), accessEndsAt: new Date(receivedAt.getTime() + seconds * 1000), refresh: kept },
    scopes: typeof scope === 'string' ? scope.split(' ').filter((each) => each !== '') : [],
  };
}

function tokenRefusal(status: number, body: Readonly<Record<string, unknown>>): DbadminError {
  const { error, error_description: description } = body;
  const reason = [error, description].filter((part) => typeof part === 'string').join(': ');
  if (error === 'invalid_grant') {
    return new DbadminError('sign-in-needed', `the sign-in is no longer valid (${reason})`, {
      detail: 'It was revoked, or it is older than six months.',
      hint: 'Sign in again: dbadmin spotify login.',
    });
  }
  return new DbadminError('api-failed', `the sign-in was refused with status ${status}${reason === '' ? '' : ` (${reason})`}`, {
    hint: error === 'invalid_client' ? 'Is the client identifier the one in the dashboard?' : undefined,
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
