import { expect, test } from 'vitest';
import { hbaLine, refusedAddress } from '../../../src/postgres/pg-hba.ts';
import { parseServerVersion, supportedMajor } from '../../../src/postgres/server-version.ts';

test('the line lets in one user from one address', () => {
  const request = { database: 'replication', user: 'dbadmin', encrypted: true };
  expect(hbaLine({ ...request, address: '192.0.2.7' })).toBe('hostssl replication dbadmin 192.0.2.7/32 scram-sha-256');
  expect(hbaLine({ ...request, address: 'fe80::1%eth0', encrypted: false })).toBe('host replication dbadmin fe80::1/128 scram-sha-256');
  expect(hbaLine({ ...request, address: undefined, user: 'All Of Us' })).toBe('local replication "All Of Us" scram-sha-256');
});

test('the address is the one that the server names: a client behind NAT does not know its own', () => {
  const said = 'no pg_hba.conf entry for replication connection from host "192.0.2.7", user "dbadmin", no encryption';
  expect(refusedAddress(said)).toBe('192.0.2.7');
  expect(refusedAddress(said.replace('192.0.2.7', '[local]'))).toBeUndefined();
  expect(refusedAddress('something else')).toBeUndefined();
});

test.each([
  ['17.10', 170_010],
  ['15.18 (Debian 15.18-0+deb12u1)', 150_018],
  ['18beta1', 180_000],
  ['19devel', 190_000],
  ['9.6.24', 90_006],
])('version %s is %d', (text, number) => {
  expect(parseServerVersion(text)).toBe(number);
});

test.each([90_006, 130_016, 190_000])('version number %d is refused by name', (number) => {
  expect(() => supportedMajor(number)).toThrow(expect.objectContaining({ code: 'server-unsupported' }));
});

test('14 to 18 are supported', () => {
  expect([140_000, 180_099].map((number) => supportedMajor(number))).toEqual([14, 18]);
});
