import { expect, test } from 'vitest';
import { resolveConnection, type StatedSettings } from '../../../src/config/connection.ts';
import { parseConninfo } from '../../../src/config/conninfo.ts';
import { machineWith, type MachineContents } from './machine.ts';

function stated(conninfo: string): readonly StatedSettings[] {
  return conninfo === '' ? [] : [{ settings: parseConninfo(conninfo), directory: '/project' }];
}

function resolve(conninfo: string, contents: MachineContents = {}, physical = false) {
  return resolveConnection(stated(conninfo), machineWith(contents), physical);
}

test('connection: with nothing said, the user of the system connects to the database of that name on localhost', () => {
  expect(resolve('').parameters).toMatchObject({
    hosts: [{ host: 'localhost', port: 5432 }],
    user: 'ana',
    database: 'ana',
    password: undefined,
    sslMode: 'prefer',
    targetSessionAttrs: 'any',
  });
});

test('connection: a socket with our port is preferred to localhost', () => {
  const contents = { env: { PGPORT: '6000' }, files: { '/tmp/.s.PGSQL.6000': '', '/var/run/postgresql/.s.PGSQL.5432': '' } };
  expect(resolve('', contents).parameters.hosts).toEqual([{ host: '/tmp', port: 6000 }]);
});

test('connection: what is stated wins over the service, the service over the environment', () => {
  const contents = {
    env: { PGSERVICE: 'app', PGUSER: 'env', PGDATABASE: 'env', PGHOST: 'env', PGCONNECT_TIMEOUT: '3' },
    files: { '/home/ana/.pg_service.conf': '[other]\nuser=x\n[app]\n# ours\nuser=service\ndbname=service\n' },
  };
  expect(resolve('postgresql:///stated', contents).parameters).toMatchObject({
    database: 'stated',
    user: 'service',
    hosts: [{ host: 'env', port: 5432 }],
    connectTimeoutMs: 3000,
  });
});

test('connection: a service that is nowhere is refused by name', () => {
  expect(() => resolve('', { env: { PGSERVICE: 'nowhere' } })).toThrow(/service "nowhere" is not defined in \/home\/ana\/.pg_service.conf/);
});

test('connection: one port serves all hosts, several must be as many', () => {
  expect(resolve('host=a,b port=7').parameters.hosts).toEqual([
    { host: 'a', port: 7 },
    { host: 'b', port: 7 },
  ]);
  expect(resolve('postgresql://a:1,b/d').parameters.hosts).toEqual([
    { host: 'a', port: 1 },
    { host: 'b', port: 5432 },
  ]);
  expect(() => resolve('host=a,b port=1,2,3')).toThrow('3 ports for 2 hosts');
});

test.each([
  ['port=0', /port 0 is not between/],
  ['host=a hostaddr=10.0.0.1', /cannot be given together/],
  ['sslmode=full', /sslmode "full" is none of disable/],
  ['target_session_attrs=master', /target_session_attrs "master" is none of any/],
  ['connect_timeout=soon', /connect_timeout "soon"/],
  ['sslrootcert=system sslmode=require', /needs sslmode verify-full/],
  ['sslcert=a.crt', /sslcert needs sslkey/],
])('connection: %s is refused', (conninfo, message) => {
  expect(() => resolve(conninfo)).toThrow(message);
});

test.each([
  ['host=db.example.org', 'verify-full'],
  ['host=10.0.0.7', 'verify-full'],
  ['host=localhost,db.example.org', 'verify-full'],
  ['host=127.0.0.1', 'prefer'],
  ['host=::1', 'prefer'],
  ['host=/tmp', 'prefer'],
  ['host=localhost sslrootcert=system', 'verify-full'],
  ['host=db.example.org sslmode=disable', 'disable'],
  ['host=db.example.org sslmode=verify-ca sslrootcert=ca.pem', 'verify-ca'],
  // Whether the authority's certificate is there is asked where a connection is made: archive_command makes none.
  ['host=db.example.org sslmode=verify-ca', 'verify-ca'],
])('connection: %s has sslmode %s', (conninfo, sslMode) => {
  expect(resolve(conninfo).parameters.sslMode).toBe(sslMode);
});

test('connection: the environment can lower the sslmode of a remote host, since somebody said so', () => {
  expect(resolve('host=db.example.org', { env: { PGSSLMODE: 'require' } }).parameters.sslMode).toBe('require');
});

test('connection: relative certificate paths start where they were stated', () => {
  const parameters = resolveConnection(
    [{ settings: { sslrootcert: 'ca.pem' }, directory: '/etc/dbadmin' }],
    machineWith({ env: { PGSSLCERT: 'c.pem', PGSSLKEY: 'k.pem' } }),
  ).parameters;
  expect(parameters).toMatchObject({ sslRootCert: '/etc/dbadmin/ca.pem', sslCert: '/project/c.pem', sslKey: '/project/k.pem' });
});

test('connection: verify-ca takes the authority from the home directory, and from PGSSLROOTCERT', () => {
  const files = { '/home/ana/.postgresql/root.crt': '' };
  expect(resolve('host=h sslmode=verify-ca', { files }).parameters.sslRootCert).toBe('/home/ana/.postgresql/root.crt');
  expect(resolve('host=h sslmode=verify-ca', { env: { PGSSLROOTCERT: '/ca.pem' } }).parameters.sslRootCert).toBe('/ca.pem');
});

test("connection: libpq's own certificate files in the home directory are used when they are there", () => {
  const files = {
    '/home/ana/.postgresql/root.crt': '',
    '/home/ana/.postgresql/postgresql.crt': '',
    '/home/ana/.postgresql/postgresql.key': '',
  };
  expect(resolve('host=h', { files }).parameters).toMatchObject({
    sslRootCert: '/home/ana/.postgresql/root.crt',
    sslCert: '/home/ana/.postgresql/postgresql.crt',
    sslKey: '/home/ana/.postgresql/postgresql.key',
  });
});

test('connection: the password comes from PGPASSWORD before the password file', () => {
  const files = { '/home/ana/.pgpass': '*:*:*:*:filed' };
  expect(resolve('host=h', { env: { PGPASSWORD: 'env' }, files }).parameters.password?.reveal()).toBe('env');
  expect(resolve('host=h', { files }).parameters.password?.reveal()).toBe('filed');
});

test('connection: a password file that others can read is ignored with a warning, as libpq does', () => {
  const contents = { env: { PGPASSFILE: '/srv/pgpass' }, files: { '/srv/pgpass': '*:*:*:*:filed' }, modes: { '/srv/pgpass': 0o640 } };
  const { parameters, warnings } = resolve('host=h', contents);
  expect(parameters.password).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('chmod 600 /srv/pgpass')]);
});

test('connection: physical replication is looked up in the password file as database "replication"', () => {
  const files = { '/home/ana/.pgpass': '*:*:replication:*:physical\n*:*:app:*:ordinary' };
  expect(resolve('host=h dbname=app', { files }, true).parameters.password?.reveal()).toBe('physical');
  expect(resolve('host=h dbname=app', { files }).parameters.password?.reveal()).toBe('ordinary');
});

test('connection: a demand that is not enforced is said', () => {
  expect(resolve('postgresql://h/d?channel_binding=require').warnings).toEqual([
    expect.stringContaining('channel_binding=require is not enforced'),
  ]);
});
