import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import type { ConnectionParameters } from './parameters.ts';

/**
 * The TLS options that give `sslMode` libpq's meaning for a connection to `host` alone, or undefined where TLS is not used.
 *
 * `require` encrypts and trusts anybody unless a root certificate is given, as libpq has it; `verify-ca` checks the chain;
 * `verify-full` checks the name too: always that of `host`, whatever Node was told. Of a socket that a library connected to an address
 * it knows no name at all, and takes "localhost", which many certificates hold. `allow` and `prefer` are opportunistic: the caller falls back to clear text.
 *
 * @throws {DbadminError} `file-unreadable` when a certificate or key cannot be read; `config-invalid` for `verify-ca` without the
 * certificate of the authority. Whether there is one depends on who runs the command, so it is asked only where a connection is made.
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html
 */
export function tlsOptions(parameters: ConnectionParameters, host: string): ConnectionOptions | undefined {
  if (parameters.sslMode === 'disable' || host.startsWith('/')) return undefined;
  // Public authorities sign for everybody, and who asks for the password would not be looked at.
  if (parameters.sslMode === 'verify-ca' && parameters.sslRootCert === undefined) {
    throw new DbadminError('config-invalid', `sslmode verify-ca needs the certificate of the authority that ${host} has its own from`, {
      detail: 'Without it the public authorities would count, and any server on the internet with a certificate of its own would pass.',
      hint: 'Give it: sslrootcert=FILE, PGSSLROOTCERT or ~/.postgresql/root.crt. sslmode=verify-full checks the name, too.',
    });
  }
  const verifies = parameters.sslMode.startsWith('verify') || (parameters.sslMode === 'require' && parameters.sslRootCert !== undefined);
  return {
    rejectUnauthorized: verifies,
    checkServerIdentity: (_name, certificate) =>
      parameters.sslMode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
    ...(parameters.sslRootCert === undefined ? {} : { ca: readPem(parameters.sslRootCert) }),
    ...(parameters.sslCert === undefined ? {} : { cert: readPem(parameters.sslCert) }),
    ...(parameters.sslKey === undefined ? {} : { key: readPem(parameters.sslKey) }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}

/** Whether a server that refuses TLS is spoken to in clear text. */
export function allowsClearText(parameters: ConnectionParameters): boolean {
  return parameters.sslMode === 'disable' || parameters.sslMode === 'allow' || parameters.sslMode === 'prefer';
}

const CERTIFICATE_CODES: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** What to do when the failure to connect was one of TLS; undefined when it was another. */
export function tlsFailureHint(parameters: ConnectionParameters, error: unknown): string | undefined {
  const code = systemCodeOf(error) ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'The certificate is for another name: connect by a name that it holds, or give the certificate of an authority that signs for you alone (sslrootcert=FILE) and say sslmode=verify-ca.';
  }
  if (CERTIFICATE_CODES.has(code)) {
    return "Give the authority's certificate: sslrootcert=FILE, PGSSLROOTCERT or ~/.postgresql/root.crt. sslmode=require encrypts without checking whom to.";
  }
  if (!/before secure TLS connection was established/.test(messageOf(error))) return undefined;
  return `The server offers no TLS, and sslmode is ${parameters.sslMode} (the default is verify-full for hosts other than this machine).
Turn on ssl at the server, or say sslmode=disable (?sslmode=disable in the URL, PGSSLMODE) where the network is trusted.`;
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
}
