import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ClusterOptions } from './cluster.ts';

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes an authority: `NAME.crt` and `NAME.key` in `directory`. The path of its certificate. */
export async function makeAuthority(directory: string, name: string): Promise<string> {
  await openssl(directory, 'req', '-x509', ...KEY, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`, '-days', '2');
  return path.join(directory, `${name}.crt`);
}

/** What a server needs to have a certificate of the authority for `names`, as in `DNS:localhost,IP:127.0.0.1`. */
export async function serverCertificate(
  directory: string,
  authority: string,
  names: string,
): Promise<Required<Pick<ClusterOptions, 'files' | 'settings'>>> {
  const server = ['-subj', '/CN=server', '-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE'];
  const signed = ['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`, '-keyout', 'server.key', '-out', 'server.crt', '-days', '2'];
  await openssl(directory, 'req', '-x509', ...KEY, ...server, ...signed);
  const text = async (name: string): Promise<string> => await readFile(path.join(directory, name), 'utf8');
  return {
    files: { 'server.crt': await text('server.crt'), 'server.key': await text('server.key') },
    settings: { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key' },
  };
}

async function openssl(directory: string, ...args: readonly string[]): Promise<void> {
  await promisify(execFile)('openssl', args, { cwd: directory });
}
