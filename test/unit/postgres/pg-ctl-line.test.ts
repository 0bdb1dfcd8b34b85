import { expect, test } from 'vitest';
import { pgCtlLine } from '../../../src/postgres/pg-ctl-line.ts';

test.each([
  [{ binDirectory: undefined, runAs: undefined }, '/srv/before', 'pg_ctl -D /srv/before start'],
  [
    { binDirectory: '/usr/lib/postgresql/17/bin', runAs: undefined },
    '/srv/before',
    '/usr/lib/postgresql/17/bin/pg_ctl -D /srv/before start',
  ],
  [
    { binDirectory: '/opt/my pg/bin', runAs: { name: 'postgres', uid: 101, gid: 102 } },
    '/srv/the shop',
    "runuser -u postgres -- '/opt/my pg/bin/pg_ctl' -D '/srv/the shop' start",
  ],
])('pgCtlLine of %j: the program of the major, and as root as the owner', (programs, directory, line) => {
  expect(pgCtlLine(programs, directory, 'start')).toBe(line);
});
