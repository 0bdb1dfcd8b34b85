import { scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { DbadminError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** 64 MiB and about a tenth of a second for each guess. */
const COST = { N: 1 << 16, r: 8, p: 1 } as const;
const KEY_BYTES = 32;
export const SALT_BYTES = 16;
/** Shorter ones fall to whoever gets hold of the file. */
export const LEAST_PASSWORD_LENGTH = 12;

/**
 * What is kept of a password: `scrypt$N$r$p$salt$key`, salt and key in base64url. `salt` is {@link SALT_BYTES} of randomness.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7914
 */
export async function hashPassword(password: Secret, salt: Buffer): Promise<string> {
  const key = await derive(password.reveal().normalize('NFC'), salt, KEY_BYTES, { ...COST, maxmem: memory(COST.N, COST.r) });
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** Whether the password is the one that was hashed. Takes the same time for a right and a wrong one. */
export async function isPassword(password: Secret, hashed: string): Promise<boolean> {
  const [, n, r, p, salt = '', key = ''] = hashed.split('$');
  const wanted = Buffer.from(key, 'base64url');
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  if (!isCost(cost) || wanted.length !== KEY_BYTES) {
    throw new DbadminError('config-invalid', 'the stored password of a console user has another form', {
      hint: 'Give that user a new one: dbadmin console user add NAME --replace.',
    });
  }
  const found = await derive(password.reveal().normalize('NFC'), Buffer.from(salt, 'base64url'), KEY_BYTES, {
    ...cost,
    maxmem: memory(cost.N, cost.r),
  });
  return timingSafeEqual(found, wanted);
}

/** A file that somebody else wrote must not make a sign-in take minutes or all of the memory. */
function isCost({ N, r, p }: { readonly N: number; readonly r: number; readonly p: number }): boolean {
  return Number.isInteger(N) && N >= 1024 && N <= 1 << 18 && r >= 1 && r <= 16 && p >= 1 && p <= 4;
}

function memory(N: number, r: number): number {
  return 128 * N * r * 2;
}

/**
 * Refuses a password that is too short to keep.
 *
 * @throws {DbadminError} `usage`.
 */
export function checkPassword(password: Secret): Secret {
  if (password.reveal().length >= LEAST_PASSWORD_LENGTH) return password;
  throw new DbadminError('usage', `a password for the console has ${LEAST_PASSWORD_LENGTH} characters or more`);
}
