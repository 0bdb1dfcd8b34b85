import { DbadminError, isDbadminError, messageOf, systemCodeOf, type ErrorCode } from '../base/errors.ts';
import type { Trouble } from './retrier.ts';
import { CREDENTIALS_AWAY } from './s3-credentials.ts';

const DENIED = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'AccountProblem',
  'InvalidAccessKeyId',
  'InvalidSecurity',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'RequestTimeTooSkewed',
  'CredentialsProviderError',
]);
const UNSUPPORTED = new Set([
  'NotImplemented',
  'InvalidArgument',
  'InvalidRequest',
  'InvalidStorageClass',
  'InvalidEncryptionAlgorithmError',
  'KMS.NotFoundException',
  'MethodNotAllowed',
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
]);
const FULL = new Set([
  'QuotaExceeded',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'InsufficientStorage',
  'InsufficientCapacity',
]);

/** The name that S3 gave an error (`NoSuchKey`) and the HTTP status, as far as there are any. */
export function s3ErrorOf(error: unknown): { readonly name: string; readonly status: number | undefined } {
  if (!(error instanceof Error)) return { name: 'unknown', status: undefined };
  const { $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
  return { name: error.name, status: $metadata?.httpStatusCode };
}

const WORM_REFUSALS = new Set(['InvalidRequest', 'ObjectLocked']);

/** Whether the server will not have this done to the object: no right, or a lock, which S3 answers with 403 and MinIO with 400. */
export function isRefusal(error: unknown): boolean {
  const { name, status } = s3ErrorOf(error);
  return status === 403 || (status === 400 && WORM_REFUSALS.has(name));
}

/** Answers that ask for fewer requests. Some servers give `SlowDownRead` for an object that they cannot put together, so it is none of them. */
const OVERLOADED = new Set(['SlowDown', 'SlowDownWrite', 'TooManyRequests']);

/** What a failure of ours says of the server, by what it was made of. */
export function troubleOf(error: unknown): Trouble {
  if (!isDbadminError(error, 'storage-failed') || !(error.cause instanceof Error)) return 'none';
  const { name, status } = s3ErrorOf(error.cause);
  // The answer to HEAD has no body that would name it.
  const isNameless = name === 'Unknown';
  if (status === 429 || OVERLOADED.has(name) || (status === 503 && isNameless)) return 'overloaded';
  return status === undefined || status >= 500 || status === 408 ? 'unclear' : 'none';
}

/** What the SDK or the network said, as ours. `at` is the store, `what` was being done. */
export function s3Failure(at: string, what: string, error: unknown): unknown {
  if (isDbadminError(error)) return error;
  const { name, status } = s3ErrorOf(error);
  const isSkewed = wasClockCorrected(error);
  const code = isSkewed ? 'storage-failed' : codeOf(name, status);
  const answer = status === undefined ? `${systemCodeOf(error) ?? name}: ` : `The server answered ${status} ${name}: `;
  return new DbadminError(code, MESSAGES[code]?.(at, what) ?? `${at} failed: ${what}`, {
    detail: `${answer}${messageOf(error) === '' ? 'no message' : messageOf(error)}`,
    hint: hintOf(code, isSkewed ? 'RequestTimeTooSkewed' : name, systemCodeOf(error)),
    cause: error,
  });
}

/**
 * Whether the server found our clock wrong and the SDK has taken the server's from the answer: the next request is signed
 * with that. The SDK's mark alone says less, since it is on every failure of a machine whose clock is off; an answer to
 * HEAD has no body that would say more.
 */
function wasClockCorrected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata } = error as Error & {
    readonly $metadata?: { readonly clockSkewCorrected?: boolean; readonly httpStatusCode?: number };
  };
  const isNameless = error.name === 'Unknown' && $metadata?.httpStatusCode === 403;
  return $metadata?.clockSkewCorrected === true && (error.name === 'RequestTimeTooSkewed' || isNameless);
}

function codeOf(name: string, status: number | undefined): ErrorCode {
  if (name === 'NoSuchBucket') return 'repository-missing';
  if (DENIED.has(name) || status === 401 || status === 403) return 'storage-denied';
  if (FULL.has(name) || status === 507) return 'storage-full';
  if (UNSUPPORTED.has(name) || status === 301 || status === 501) return 'storage-unsupported';
  return 'storage-failed';
}

const MESSAGES: { readonly [Code in ErrorCode]?: (at: string, what: string) => string } = {
  'repository-missing': (at) => `the bucket of ${at} does not exist`,
  'storage-denied': (at, what) => `${at} denies access: ${what}`,
  'storage-full': (at, what) => `no room in ${at}: ${what}`,
  'storage-unsupported': (at, what) => `${at} refuses the request: ${what}`,
};

function hintOf(code: ErrorCode, name: string, systemCode: string | undefined): string | undefined {
  if (name === 'RequestTimeTooSkewed') return "Set this machine's clock: the signature is good for a few minutes only.";
  if (name === 'InvalidObjectState')
    return 'The object lies in an archive class, where a lifecycle rule of the bucket may have put it: bring it back there first (restore-object), and keep such rules off the repository.';
  if (name === 'CredentialsProviderError') return 'Configure access_key_id and secret_access_key or a profile, or give the AWS variables.';
  if (name === CREDENTIALS_AWAY)
    return 'There were credentials before: look at what gives them, such as the metadata service of the container or instance, or the process of the profile.';
  if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed') return "Set the repository's region to the bucket's own.";
  if (code === 'repository-missing') return 'Create the bucket, or correct its name, the region and the endpoint.';
  if (code === 'storage-denied')
    return 'Check the keys and the policy; without the right to list the bucket, S3 answers 403 for absent objects too.';
  if (systemCode?.includes('CERT') === true || systemCode?.startsWith('ERR_TLS') === true || systemCode?.includes('SIGNED') === true) {
    return "Set the repository's ca_file to the authority that signed the server's certificate.";
  }
  if (systemCode === 'ENOTFOUND' || systemCode === 'ECONNREFUSED')
    return 'Check the endpoint, and whether its name takes the bucket in front (path_style).';
  return undefined;
}
