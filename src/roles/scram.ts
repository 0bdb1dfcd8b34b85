import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { DbadminError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';

/** What the server itself uses, up to 15 always, from 16 on until somebody changes `scram_iterations`. */
export const SCRAM_ITERATIONS = 4096;
export const SCRAM_SALT_BYTES = 16;

const VERIFIER = /^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]{44}):([A-Za-z0-9+/=]{44})$/;
// RFC 3454 tables C.1.2, B.1 and what C forbids, as far as a password can hold it.
const SPACES = /[\p{Zs}\u200b]/gu;
const DROPPED = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u06dd\u070f\u180e\u2061-\u206f\ufff9-\uffff]/u;

/**
 * The verifier that PostgreSQL stores for `password`: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`, base64 parts.
 *
 * With it in CREATE or ALTER ROLE the password itself never reaches the server. It still lets somebody guess offline, so it
 * is a {@link Secret} too.
 *
 * @throws {DbadminError} `roles-invalid` when the password is empty or holds characters that SASLprep forbids.
 * @see https://www.rfc-editor.org/rfc/rfc5802#section-3
 */
export function scramVerifier(password: Secret, salt: Uint8Array, iterations = SCRAM_ITERATIONS): Secret {
  const salted = pbkdf2Sync(prepare(password.reveal()), salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return new Secret(`SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`);
}

/** Whether `verifier` was made from `password`: derived again with the stored salt. False for verifiers of another kind. */
export function scramMatches(password: Secret, verifier: Secret): boolean {
  const match = VERIFIER.exec(verifier.reveal());
  if (match === null) return false;
  const again = scramVerifier(password, Buffer.from(match[2] ?? '', 'base64'), Number(match[1]));
  const [left, right] = [Buffer.from(again.reveal()), Buffer.from(verifier.reveal())];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** @throws {DbadminError} `roles-invalid` for a password that no verifier can be made of. */
export function refuseUnfit(password: Secret): void {
  prepare(password.reveal());
}

/** SASLprep (RFC 4013). Plain ASCII passes unchanged. */
function prepare(password: string): string {
  if (password === '') throw new DbadminError('roles-invalid', 'the password is empty', { hint: 'The server refuses empty passwords.' });
  const prepared = password.replaceAll(SPACES, ' ').replaceAll(DROPPED, '').normalize('NFKC');
  if (prepared !== '' && !FORBIDDEN.test(prepared)) return prepared;
  throw new DbadminError('roles-invalid', 'the password holds characters that cannot be in one', {
    detail: 'Control characters and unassigned or private code points are forbidden by SASLprep.',
    hint: 'Check that the source gives the password alone, without line breaks.',
  });
}
