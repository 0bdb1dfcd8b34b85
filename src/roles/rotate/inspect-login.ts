import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { APPLICATION_NAME } from '../inspect.ts';

/** What the server says to a password. */
export type LoginAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused' }
  /** It did not come to the password: the host is not let in, or the server does not answer. */
  | { readonly kind: 'untold'; readonly why: string };

/** Refusals that come after the password was right: no CONNECT on the database, the role's connection limit. */
const AFTER_THE_PASSWORD = ['42501', '3D000'];
const TOO_MANY = '53300';
const WRONG_PASSWORD = '28P01';

/** Logs in as `role` with `password`, where `connection` leads, and leaves again. Never throws for what the server says. */
export async function tryLogin(connection: ConnectionParameters, role: string, password: Secret): Promise<LoginAnswer> {
  try {
    const client = await openClient({ ...connection, user: role, password }, { applicationName: APPLICATION_NAME });
    await client.end({ timeout: 1 });
    return { kind: 'accepted' };
  } catch (error) {
    const cause = error instanceof DbadminError ? error.cause : error;
    const code = systemCodeOf(cause) ?? '';
    if (code === WRONG_PASSWORD) return { kind: 'refused' };
    // The server's own limit is looked at before the password, and the role's after it.
    const isRoleLimit = code === TOO_MANY && messageOf(cause).includes(`"${role}"`);
    return AFTER_THE_PASSWORD.includes(code) || isRoleLimit ? { kind: 'accepted' } : { kind: 'untold', why: messageOf(cause) };
  }
}
