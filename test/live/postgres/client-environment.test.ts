import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientEnvironment } from '../../../src/postgres/client-environment.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { makeAuthority, serverCertificate } from '../../postgres/certificates.ts';
import type { ProgramResult, TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** The programs that this environment is for are those of the server's image: where there is none, nothing can be tried. */
const MAJOR = 17;

let directory: string;
let cluster: TestCluster;

beforeAll(async () => {
  directory = await makeDirectory();
  const authority = await makeAuthority(directory, 'ca');
  const other = await makeAuthority(directory, 'other-ca');
  const { files, settings } = await serverCertificate(directory, 'ca', 'IP:127.0.0.1');
  const authorities = { 'ca.crt': await readFile(authority, 'utf8'), 'other-ca.crt': await readFile(other, 'utf8') };
  cluster = await startTestCluster({ major: MAJOR, files: { ...files, ...authorities }, settings });
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

/** pg_dump beside the server, with the environment for these parameters; `trusted` is what the system there trusts. */
async function dump(changes: Partial<ConnectionParameters>, trusted: string): Promise<ProgramResult | undefined> {
  const parameters = { ...cluster.parameters(), ...changes };
  const { PATH: _here, ...environment } = clientEnvironment({ path: '/usr/bin/pg_dump', major: MAJOR, version: '17.0' }, parameters, {});
  const words = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = `env "$@" SSL_CERT_FILE="$PGDATA/${trusted}" SSL_CERT_DIR=/nowhere pg_dump --schema-only --host=127.0.0.1 --username=postgres postgres`;
  return await cluster.exec('sh', ['-c', command, 'sh', ...words]);
}

test("pg_dump checks a server's certificate with the system's authorities where no file is given", async (context) => {
  const dumped = await dump({ sslMode: 'verify-full' }, 'ca.crt');
  if (dumped === undefined) return context.skip('no container of this major here');
  expect(dumped, dumped.stderr).toMatchObject({ status: 0 });
  expect(await dump({ sslMode: 'verify-full' }, 'other-ca.crt')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('certificate verify failed') as string,
  });
});
