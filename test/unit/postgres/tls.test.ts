import { expect, test } from 'vitest';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { tlsOptions } from '../../../src/postgres/tls.ts';

const parameters = (sslMode: ConnectionParameters['sslMode'], host: string): ConnectionParameters => ({
  hosts: [{ host, port: 5432 }],
  user: 'ana',
  database: 'app',
  password: undefined,
  sslMode,
  sslRootCert: undefined,
  sslCert: undefined,
  sslKey: undefined,
  targetSessionAttrs: 'any',
  connectTimeoutMs: 10_000,
  applicationName: 'test',
});

test.each(['db.example.org', '10.0.0.7', 'localhost'])(
  'verify-ca without the certificate of the authority makes no connection to %s',
  (host) => {
    expect(() => tlsOptions(parameters('verify-ca', host), host)).toThrow('needs the certificate of the authority');
  },
);

test('verify-ca without it is no matter on a socket, which has no TLS', () => {
  expect(tlsOptions(parameters('verify-ca', '/run/postgresql'), '/run/postgresql')).toBeUndefined();
});

test('verify-full checks the name of the host, whatever name Node was told', () => {
  const check = tlsOptions(parameters('verify-full', '10.0.0.7'), '10.0.0.7')?.checkServerIdentity;
  const certificate = (subjectaltname: string): Parameters<NonNullable<typeof check>>[1] => ({ subject: {}, subjectaltname }) as never;
  expect(check?.('localhost', certificate('DNS:localhost'))).toBeInstanceOf(Error);
  expect(check?.('localhost', certificate('IP Address:10.0.0.7'))).toBeUndefined();
});
