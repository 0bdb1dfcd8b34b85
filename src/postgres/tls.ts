import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { DbadminError, messageOf } from '../base/errors.ts';
import type { ConnectionParameters } from './parameters.ts';

/**
 * The TLS options that give `sslMode` libpq's meaning, or undefined where TLS is not used.
 *
 * `require` encrypts and trusts anybody unless a root certificate is given, as libpq has it; `verify-ca` checks the chain;
 * `verify-full` checks the name too. `allow` and `prefer` are opportunistic: the caller falls back to clear text.
 *
 * @throws {DbadminError} `file-unreadable` when a certificate or key cannot be read.
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html
 */
export function tlsOptions(parameters: ConnectionParameters, host: string): ConnectionOptions | undefined {
  if (parameters.sslMode === 'disable' || host.startsWith('/')) return undefined;
  const verifies = parameters.sslMode.startsWith('verify') || (parameters.sslMode === 'require' && parameters.sslRootCert !== undefined);
  return {
    rejectUnauthorized: verifies,
    ...(parameters.sslMode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(parameters.sslRootCert === undefined ? {} : { ca: readPem(parameters.sslRootCert) }),
    ...(parameters.sslCert === undefined ? {} : { cert: readPem(parameters.sslCert) }),
    ...(parameters.sslKey === undefined ? {} : { key: readPem(parameters.sslKey) }),
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
  };
}

/** Whether a server that refuses TLS is spoken to in clear text. */
export function allowsClearText(parameters: ConnectionParameters): boolean {
  return parameters.sslMode === 'disable' || parameters.sslMode === 'allow' || parameters.sslMode === 'prefer';
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
}
