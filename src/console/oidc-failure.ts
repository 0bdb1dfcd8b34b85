import { DbadminError, messageOf } from '../base/errors.ts';
import { hostOf, type OidcOptions } from './oidc.ts';

const MOST_TOLD = 300;

/**
 * Why a sign-in by the provider came to nothing, in words. An error of the library is known by its form, so that the library
 * need not be loaded to tell.
 *
 * `connection-failed`: the provider did not answer. `refused`: it said no. `config-invalid`: it does not know this console.
 * `signature-invalid`: what it said does not prove who signed in.
 */
export function trustFailure(error: unknown, { issuer }: Pick<OidcOptions, 'issuer'>): DbadminError {
  if (error instanceof DbadminError) return error;
  const provider = `the provider ${hostOf(issuer)}`;
  const name = error instanceof Error ? error.name : '';
  const said = textOf(error, 'error');
  const detail = sentences(error);
  if (isAway(error)) {
    return new DbadminError('connection-failed', `${provider} does not answer`, {
      detail,
      hint: 'Try again in a moment; who has a name and a password in this console can use those.',
      cause: error,
    });
  }
  if (name === 'AuthorizationResponseError') {
    const told = textOf(error, 'error_description');
    return new DbadminError('refused', `${provider} did not let you in: ${said ?? 'it gave no reason'}`, {
      detail: told === undefined ? undefined : `${told.replace(/\.$/, '')}.`,
      cause: error,
    });
  }
  if (said === 'invalid_client' || said === 'unauthorized_client') {
    return new DbadminError('config-invalid', `${provider} does not take this console for one of its clients: ${said}`, {
      hint: 'See client_id, client_secret and client_authentication under console: oidc in dbadmin.yaml.',
      cause: error,
    });
  }
  if (said === 'invalid_grant') {
    return new DbadminError('refused', 'this sign-in has been used, or took too long', { hint: 'Begin it again.', cause: error });
  }
  return new DbadminError('signature-invalid', `${provider} has said something that does not prove who signed in`, {
    detail,
    hint: 'Begin again. If it stays so, see whether the clocks of both machines agree, and the log of the console.',
    cause: error,
  });
}

function isAway(error: unknown): boolean {
  const causes = causesOf(error);
  return causes.some(
    (each) =>
      textOf(each, 'name') === 'TimeoutError' ||
      textOf(each, 'code') === 'OAUTH_TIMEOUT' ||
      textOf(each, 'syscall') !== undefined ||
      messageOf(each) === 'fetch failed' ||
      /^UND_ERR_|^E(?:CONN|HOST|NET)|^(?:CERT|DEPTH|SELF|UNABLE|ERR_TLS)_/.test(textOf(each, 'code') ?? '') ||
      isBusy(each),
  );
}

/** A provider, or the proxy before it, that is up and cannot serve now. */
function isBusy(error: unknown): boolean {
  const status = (error as { readonly status?: unknown } | null)?.status;
  return typeof status === 'number' && status >= 500;
}

/** The error and what is underneath it. */
function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let each = error; each !== undefined && each !== null && causes.length < 5; each = (each as { readonly cause?: unknown }).cause)
    causes.push(each);
  return causes;
}

function sentences(error: unknown): string {
  const messages = causesOf(error).flatMap((each) => (each instanceof Error ? [each.message] : []));
  return `${messages.join(': ').slice(0, MOST_TOLD)}.`;
}

function textOf(value: unknown, key: string): string | undefined {
  const found = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
  return typeof found === 'string' && found !== '' ? found.slice(0, MOST_TOLD) : undefined;
}
