import { expect, test } from 'vitest';
import type { Examined } from '../../../src/doctor/examined.ts';
import type { GuardedFile } from '../../../src/doctor/machine-inspect.ts';
import { judgeFile, judgeMachine } from '../../../src/doctor/machine.ts';
import type { ServerState } from '../../../src/doctor/server-inspect.ts';
import { judgeServer } from '../../../src/doctor/server.ts';
import { reasonFor } from '../../../src/doctor/why.ts';

const WELL: ServerState = {
  version: 170_010,
  role: { name: 'backup', isSuperuser: false, replicates: true },
  archive: { mode: 'off', command: '(disabled)', timeoutSeconds: 0 },
  settings: { fsync: 'on', fullPageWrites: 'on', passwordEncryption: 'scram-sha-256', ssl: 'on', autovacuum: 'on' },
  idleSlots: [],
  hba: { faults: [], trusted: [] },
  sessions: [],
  leftSchemas: [],
  xidAge: 12_000_000,
  pendingRestart: [],
};

function examine(over: Partial<ServerState>, wanted: Partial<Parameters<typeof judgeServer>[2]> = {}): readonly Examined[] {
  return judgeServer('main', { ...WELL, ...over }, { walMode: 'stream', isLocal: false, ...wanted });
}

test('doctor: a server that is well has nothing wrong, and everything of it was looked at', () => {
  const found = examine({});
  expect(found.map(({ state }) => state)).toEqual(found.map(() => 'fine'));
  expect(found.map(({ what }) => what)).toEqual([
    'main role',
    'main archiving',
    'main durability',
    'main passwords',
    'main encryption on the way',
    'main transaction ids',
    'main our slots',
    'main our sessions',
    'main pg_hba.conf',
  ]);
});

const { settings } = WELL;
test.each<[string, Partial<ServerState>, Partial<Parameters<typeof judgeServer>[2]>, string, Examined['state'], RegExp, RegExp]>([
  [
    'no REPLICATION',
    { role: { name: 'app', isSuperuser: false, replicates: false } },
    {},
    'role',
    'wrong',
    /app has not/,
    /ALTER ROLE app REPLICATION/,
  ],
  ['WAL by an archiver that is off', {}, { walMode: 'archive' }, 'archiving', 'wrong', /archive_mode off/, /dbadmin wal push %p/],
  [
    'an archiver without a timeout',
    { archive: { mode: 'on', command: 'x', timeoutSeconds: 0 } },
    { walMode: 'archive' },
    'archiving',
    'note',
    /archive_timeout is 0/,
    /archive_timeout = '60s'/,
  ],
  ['fsync off', { settings: { ...settings, fsync: 'off' } }, {}, 'durability', 'wrong', /fsync off/, /fsync = on/],
  [
    'full_page_writes off',
    { settings: { ...settings, fullPageWrites: 'off' } },
    {},
    'durability',
    'wrong',
    /full_page_writes off/,
    /full_page_writes = on/,
  ],
  ['passwords as md5', { settings: { ...settings, passwordEncryption: 'md5' } }, {}, 'passwords', 'note', /md5/, /dbadmin roles rotate/],
  ['no TLS across a network', { settings: { ...settings, ssl: 'off' } }, {}, 'encryption on the way', 'note', /ssl is off/, /ssl = on/],
  [
    'no TLS on this machine',
    { settings: { ...settings, ssl: 'off' } },
    { isLocal: true },
    'encryption on the way',
    'fine',
    /on this machine/,
    /^$/,
  ],
  [
    'autovacuum off',
    { settings: { ...settings, autovacuum: 'off' } },
    {},
    'transaction ids',
    'wrong',
    /autovacuum is off/,
    /autovacuum = on/,
  ],
  ['old transaction ids', { xidAge: 1_600_000_000 }, {}, 'transaction ids', 'wrong', /1600 million/, /VACUUM FREEZE/],
  [
    'a slot that nobody reads',
    { idleSlots: [{ name: 'dbadmin', keptBytes: 3_000_000 }] },
    {},
    'our slots',
    'wrong',
    /nobody reads dbadmin, for which .* are kept/,
    /pg_drop_replication_slot\('dbadmin'\)/,
  ],
  [
    'a session that is stuck',
    { sessions: [{ pid: 7, name: 'dbadmin migrate', state: 'idle in transaction', sinceMs: 900_000 }] },
    {},
    'our sessions',
    'wrong',
    /dbadmin migrate \(pid 7\)/,
    /pg_terminate_backend\(7\)/,
  ],
  [
    'a schema of a drill',
    { leftSchemas: ['dbadmin_drill'] },
    {},
    'left behind',
    'wrong',
    /dbadmin_drill/,
    /DROP SCHEMA dbadmin_drill CASCADE/,
  ],
  ['settings that wait', { pendingRestart: ['wal_level'] }, {}, 'settings', 'note', /wal_level changed/, /restart/],
  ['faults in pg_hba.conf', { hba: { faults: ['line 4: x'], trusted: [] } }, {}, 'pg_hba.conf', 'wrong', /line 4/, /reload/],
  ['trust for others', { hba: { faults: [], trusted: ['line 9: host all trust'] } }, {}, 'pg_hba.conf', 'wrong', /line 9/, /scram-sha-256/],
  ['a pg_hba.conf that may not be read', { hba: undefined }, {}, 'pg_hba.conf', 'unknown', /may not read/, /GRANT EXECUTE/],
])('doctor: %s is told with what mends it', (_name, over, wanted, what, state, detail, fix) => {
  const found = examine(over, wanted).find((each) => each.what === `main ${what}`);
  expect(found).toMatchObject({ state, detail: expect.stringMatching(detail), area: 'server' });
  expect(found?.fix ?? '').toMatch(fix);
  expect(
    examine(over, wanted)
      .filter((each) => each.state === 'wrong')
      .every((each) => each.why !== undefined),
  ).toBe(true);
});

test('doctor: an old Node, little room and what killed runs left are told', () => {
  const old = { path: '/tmp/dbadmin-drill-x', ageMs: 90_000_000 };
  const states = judgeMachine(
    'v20.19.0',
    [
      { place: '/tmp', freeBytes: 1e8 },
      { place: '/var/tmp', freeBytes: 1e12 },
    ],
    [old],
  );
  expect(states.map(({ what, state }) => [what, state])).toEqual([
    ['Node', 'wrong'],
    ['room in /tmp', 'note'],
    ['room in /var/tmp', 'fine'],
    ['left behind', 'wrong'],
  ]);
  expect(states.at(-1)?.fix).toContain('rm -r /tmp/dbadmin-drill-x');
  expect(judgeMachine('v26.1.0', [], []).map(({ state }) => state)).toEqual(['fine', 'fine']);
});

test.each<[string, Partial<GuardedFile>, boolean, Examined['state'], RegExp]>([
  ['a secret that others may read', { mode: 0o640 }, true, 'wrong', /chmod 600/],
  ['a secret with a blank in its path', { path: '/my p/key', mode: 0o640 }, true, 'wrong', /chmod 600 '\/my p\/key'/],
  ['a configuration that others may read', { mode: 0o644 }, false, 'fine', /^$/],
  ['a configuration that others may write', { mode: 0o664 }, false, 'wrong', /chmod go-w/],
  ['a secret of another user', { owner: 1001 }, true, 'note', /chown 1000/],
  ['a configuration of another user', { owner: 1001, mode: 0o644 }, false, 'note', /chown 1000/],
  ['a secret of root', { owner: 0 }, true, 'fine', /^$/],
  ['a secret that is gone', { mode: undefined, owner: undefined }, true, 'wrong', /put it back/],
  ['a configuration that is not there', { mode: undefined, owner: undefined }, false, 'fine', /^$/],
  ['one that cannot be looked at', { mode: undefined, owner: undefined, failure: 'EACCES' }, false, 'wrong', /let this user/],
])('doctor: %s', (_name, over, secret, state, fix) => {
  const found = judgeFile({ path: '/p/key', mode: 0o600, owner: 1000, failure: undefined, ...over }, secret, 1000);
  expect(found.state).toBe(state);
  expect(found.fix ?? '').toMatch(fix);
});

test.each(['connection', 'replication slot', 'summarize_wal', 'the clock of repository local', 'repository local keys', 'anything else'])(
  'doctor: says why %s matters',
  (what) => expect(reasonFor(what).length).toBeGreaterThan(20),
);
