import type { S3Client } from '@aws-sdk/client-s3';

/** The name of the failure to get credentials anew. */
export const CREDENTIALS_AWAY = 'CredentialsAway';

/**
 * Tells credentials that are not to be had now from those that never were: long work has them given anew each hour or so, and whoever gives
 * them (the metadata of a container, a process) may be away for a while, as the storage may. The SDK has one name for both.
 */
export function addCredentialSight(client: S3Client): void {
  let hadCredentials = false;
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        const result = await next(args);
        hadCredentials = true;
        return result;
      } catch (error) {
        if (!hadCredentials || !(error instanceof Error) || error.name !== 'CredentialsProviderError') throw error;
        throw Object.assign(new Error(error.message, { cause: error }), { name: CREDENTIALS_AWAY });
      }
    },
    { step: 'initialize', name: 'dbadminCredentialSight' },
  );
}
