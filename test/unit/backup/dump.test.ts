import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { dumpKey, dumpLabel, dumpManifestKey } from '../../../src/backup/dump/layout.ts';
import { programEnvironment } from '../../../src/backup/dump/pg-dump-restore.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { wantedFor, type WantedProgram } from '../../../src/postgres/programs.ts';
import { isKey } from '../../../src/storage/keys.ts';

describe('keys of dumps', () => {
  it('hold any name of a database, each its own', () => {
    const names = ['app', 'App', 'a/b', 'a=2Fb', '..', '.', 'x.tmp', ' ', 'größe', '木'.repeat(21), 'manifest', 'q"\'\\;'];
    const keys = names.map((name) => dumpKey('7710456972553793566/', '20261121T031125Z-dump', name));
    expect(keys.every(isKey)).toBe(true);
    expect(new Set(keys).size).toBe(names.length);
    expect(keys[2]).toBe('7710456972553793566/dumps/20261121T031125Z-dump/a=2Fb.dump');
    expect(dumpKey('1/', '20261121T031125Z-dump', 'app.dump', 'directory')).toBe('1/dumps/20261121T031125Z-dump/app.dump.tar');
    expect(keys).not.toContain(dumpManifestKey('7710456972553793566/', '20261121T031125Z-dump'));
  });

  it('begin with the label of the second in which the dump began', () => {
    expect(dumpLabel(new Date('2026-11-21T03:11:25.451Z'))).toBe('20261121T031125Z-dump');
  });
});

const PARAMETERS: ConnectionParameters = {
  hosts: [{ host: 'db', port: 5432 }],
  user: 'u',
  database: 'd',
  password: new Secret('geheim'),
  sslMode: 'verify-full',
  sslRootCert: '/ca.pem',
  sslCert: undefined,
  sslKey: undefined,
  targetSessionAttrs: 'any',
  connectTimeoutMs: 2500,
  applicationName: 'dbadmin',
};

describe('the environment of pg_dump', () => {
  it('is ours without what libpq would read there, and what the connection says, in English', () => {
    const environment = programEnvironment({
      program: { path: '/opt/pg/17/bin/pg_dump', major: 17, version: '17.10' },
      env: {
        PATH: '/usr/bin',
        HOME: '/home/x',
        LC_ALL: 'de_DE.UTF-8',
        PGHOSTADDR: '192.0.2.1',
        PGOPTIONS: '-c a=b',
        PGSERVICE: 's',
        PGPASSWORD: 'old',
      },
      parameters: PARAMETERS,
    });
    expect(environment).toEqual({
      PATH: '/opt/pg/17/bin:/usr/bin',
      HOME: '/home/x',
      LC_ALL: 'C',
      PGPASSWORD: 'geheim',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/ca.pem',
      PGTARGETSESSIONATTRS: 'any',
      PGCONNECT_TIMEOUT: '3',
      PGAPPNAME: 'dbadmin',
    });
  });

  it('names the authorities of the system where a certificate is checked and no file is given', () => {
    const rootsFor = (changes: Partial<ConnectionParameters>): string | undefined =>
      programEnvironment({
        program: { path: '/opt/pg/17/bin/pg_dump', major: 17, version: '17.10' },
        env: {},
        parameters: { ...PARAMETERS, sslRootCert: undefined, ...changes },
      })['PGSSLROOTCERT'];
    expect(rootsFor({})).toBe('system');
    expect(rootsFor({ sslRootCert: '/ca.pem' })).toBe('/ca.pem');
    // libpq refuses the word with any other mode.
    for (const sslMode of ['disable', 'prefer', 'require'] as const) expect(rootsFor({ sslMode })).toBeUndefined();
    expect(rootsFor({ hosts: [{ host: '/run/postgresql', port: 5432 }] })).toBeUndefined();
  });

  it('is for a program that knows them: of PostgreSQL 16 or newer, whatever the server is', () => {
    const wanted = (changes: Partial<ConnectionParameters>, major: number): WantedProgram =>
      wantedFor({ ...PARAMETERS, sslRootCert: undefined, ...changes }, major);
    expect(wanted({}, 15)).toEqual({ atLeastMajor: 16, because: expect.stringMatching(/^Older ones cannot check/) as string });
    expect(wanted({}, 17)).toEqual({ atLeastMajor: 17 });
    expect(wanted({ sslRootCert: '/ca.pem' }, 15)).toEqual({ atLeastMajor: 15 });
    expect(wanted({ sslMode: 'prefer' }, 15)).toEqual({ atLeastMajor: 15 });
    expect(wanted({ hosts: [{ host: '/run/postgresql', port: 5432 }] }, 15)).toEqual({ atLeastMajor: 15 });
  });
});
