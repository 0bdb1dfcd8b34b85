import { DbadminError } from '../base/errors.ts';

export const OLDEST_MAJOR = 14;
export const NEWEST_MAJOR = 18;

/** The number of a version text such as `17.10`, `15.18 (Debian …)` or `18beta1`, in the form of `server_version_num`: 170010. */
export function parseServerVersion(text: string): number {
  const match = /^(\d+)(?:\.(\d+))?/.exec(text);
  return match === null ? 0 : Number(match[1]) * 10_000 + Number(match[2] ?? 0);
}

/**
 * The major of a version number, when it is one that dbadmin knows.
 *
 * @throws {DbadminError} `server-unsupported` for any other: a newer WAL or backup format is not guessed.
 */
export function supportedMajor(versionNumber: number): number {
  const major = Math.floor(versionNumber / 10_000);
  if (major >= OLDEST_MAJOR && major <= NEWEST_MAJOR) return major;
  const name = major < 10 ? `${major}.${Math.floor(versionNumber / 100) % 100}` : String(major);
  throw new DbadminError('server-unsupported', `PostgreSQL ${name} is not supported`, {
    detail: `Supported are ${OLDEST_MAJOR} to ${NEWEST_MAJOR}.`,
    hint: major > NEWEST_MAJOR ? 'Look for a newer dbadmin.' : 'Upgrade the server; its version gets no fixes any more.',
  });
}
