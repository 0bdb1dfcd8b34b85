import { describe, expect, test } from 'vitest';
import { isCloneConfiguration } from '../../../../src/backup/restore/clone-settings.ts';
import type { OuterFile } from '../../../../src/backup/restore/configuration-files.ts';
import type { Preflight } from '../../../../src/backup/restore/inspect.ts';
import { planConfiguration, type Purpose, type RestoredConfiguration } from '../../../../src/backup/restore/restored-configuration.ts';

const DEBIAN: readonly OuterFile[] = [
  {
    path: '/etc/postgresql/17/main/postgresql.conf',
    content:
      "data_directory = '/var/lib/postgresql/17/main'\nhba_file = '/etc/postgresql/17/main/pg_hba.conf'\nident_file = '/etc/postgresql/17/main/pg_ident.conf'\nport = 5433\nshared_preload_libraries = 'pg_stat_statements'\ninclude_dir = 'conf.d'\n",
  },
  { path: '/etc/postgresql/17/main/pg_hba.conf', content: 'local all all peer\n' },
  { path: '/etc/postgresql/17/main/pg_ident.conf', content: '' },
];

const limits = { maxConnections: 300, maxWorkerProcesses: 8, maxWalSenders: 10, maxPreparedXacts: 0, maxLocksPerXact: 64 };

/** What the backup's manifest says of its configuration. */
interface SaidOfConfiguration {
  readonly missing?: readonly string[] | undefined;
  readonly includedDirectories?: readonly string[];
}

/** What the configuration depends on; the rest of a preflight is not looked at. */
function preflight(
  parts: Partial<Pick<Preflight, 'autoConf' | 'mainConf' | 'hasHba' | 'outer' | 'linked' | 'included' | 'authentication'>>,
  backup: SaidOfConfiguration = { missing: [] },
): Preflight {
  const looked: unknown = {
    autoConf: '',
    mainConf: undefined,
    hasHba: false,
    outer: [],
    linked: new Map(),
    included: new Map(),
    authentication: new Map(),
    layout: {
      dataDirectory: '/srv/r',
      spoolDirectory: '/srv/r.wal',
      directories: [{ path: 'base' }, { path: 'here.d' }],
      files: [{ path: 'here.conf' }],
    },
    resolution: { backup: { serverVersion: 170_010, ...backup }, end: { kind: 'end-of-wal' } },
    lineage: { timeline: 3, history: [] },
    control: { ...limits, walSegmentBytes: 16 * 1024 * 1024 },
    ...parts,
  };
  return looked as Preflight;
}

const CLONE: Purpose = { kind: 'clone', port: 55_432, clusterName: 'c', machineBytes: 8e9 };
const PRODUCTION: Purpose = { kind: 'production', walGet: ['/bin/dbadmin', 'wal', 'get'] };

function plan(
  purpose: Purpose,
  parts: Parameters<typeof preflight>[0],
  quarantine: readonly (readonly [string, string])[] = [],
  backup?: SaidOfConfiguration,
): RestoredConfiguration {
  return planConfiguration(preflight(parts, backup), { purpose, action: 'promote', libraries: new Map(), quarantine });
}

describe('a production whose configuration lay outside of its data directory', () => {
  const { changed, made, outside, settledAutoConf, recoveringAutoConf } = plan(PRODUCTION, { outer: DEBIAN });

  test('gets it beside the data directory, led to from within, and nothing is made up', () => {
    expect(outside.files.map(({ path }) => path)).toEqual(DEBIAN.map(({ path }) => `/srv/r.config${path}`));
    expect(outside.directories).toEqual(['/srv/r.config/etc/postgresql/17/main/conf.d']);
    expect(changed.get('postgresql.conf')).toContain(
      "include '/srv/r.config/etc/postgresql/17/main/postgresql.conf'\ndata_directory = '/srv/r'",
    );
    expect(made).toEqual([]);
  });

  test('reads pg_hba.conf and pg_ident.conf from the copies', () => {
    expect(settledAutoConf).toContain("hba_file = '/srv/r.config/etc/postgresql/17/main/pg_hba.conf'");
    expect(settledAutoConf).toContain("ident_file = '/srv/r.config/etc/postgresql/17/main/pg_ident.conf'");
  });

  test('keeps what is its own, and is raised to what its WAL needs', () => {
    expect(settledAutoConf).not.toMatch(/^(port|listen_addresses|archive_mode|shared_preload_libraries|cluster_name)/m);
    expect(settledAutoConf).toContain("max_connections = '300'");
  });

  test('recovers by the spool and the repository, and keeps the repository alone', () => {
    expect(recoveringAutoConf).toContain("recovery_target_timeline = '3'");
    expect(recoveringAutoConf).toContain('/srv/r.wal');
    expect(settledAutoConf).not.toMatch(/recovery_target|\/srv\/r\.wal/);
    expect(settledAutoConf).toMatch(/^restore_command = '''\/bin\/dbadmin'' ''wal'' ''get''/m);
  });
});

test('a production whose configuration could not be saved gets plain files, and that is said', () => {
  expect(plan(PRODUCTION, {}).made).toEqual(['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf']);
});

test('a clone never uses the original’s files from outside, but knows its figures', () => {
  const { changed, outside, settledAutoConf } = plan(CLONE, { outer: DEBIAN });
  expect(outside.files).toEqual([]);
  expect([...changed.keys()]).toEqual(['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf']);
  expect(settledAutoConf).toContain("port = '55432'");
  expect(settledAutoConf).not.toContain('restore_command');
});

test('in quarantine its settings take the place of the others, and go with it', () => {
  const quarantined = plan(CLONE, { autoConf: "work_mem = '3MB'\n" }, [
    ['listen_addresses', ''],
    ['hba_file', '/tmp/q/pg_hba.conf'],
  ]);
  const lines = (text: string, name: string): readonly string[] => text.split('\n').filter((line) => line.startsWith(`${name} =`));
  expect(lines(quarantined.recoveringAutoConf, 'listen_addresses')).toEqual(["listen_addresses = ''"]);
  expect(lines(quarantined.recoveringAutoConf, 'hba_file')).toEqual(["hba_file = '/tmp/q/pg_hba.conf'"]);
  expect(lines(quarantined.settledAutoConf, 'listen_addresses')).toEqual(["listen_addresses = '127.0.0.1'"]);
  expect(quarantined.settledAutoConf).not.toContain('/tmp/q');
});

test('a production deletes no archived WAL while it recovers, and keeps what it says of that for when it is a standby again', () => {
  const cleanup = "archive_cleanup_command = 'pg_archivecleanup /archive %r'";
  const { recoveringAutoConf, settledAutoConf } = plan(PRODUCTION, { autoConf: `${cleanup}\n` });
  expect(recoveringAutoConf).toContain("archive_cleanup_command = ''");
  expect(recoveringAutoConf).not.toContain('pg_archivecleanup');
  expect(settledAutoConf).toContain(cleanup);
});

test('data_directory in a file that postgresql.conf includes does not lead the server to the original’s', () => {
  const outer = [{ path: '/etc/pg.conf', content: "data_directory = '/var/lib/pg'\n" }];
  const own = /\ndata_directory = '\/srv\/r'\n$/;
  expect(plan(PRODUCTION, { mainConf: "include '/etc/pg.conf'\n", outer }).changed.get('postgresql.conf')).toMatch(own);
  const linked = new Map([['site.conf', "data_directory = '/var/lib/pg'\n"]]);
  for (const purpose of [CLONE, PRODUCTION])
    expect(plan(purpose, { mainConf: "include 'site.conf'\n", linked }).changed.get('postgresql.conf')).toMatch(own);
  const included = new Map([['conf.d/site.conf', "data_directory = '/var/lib/pg'\n"]]);
  for (const purpose of [CLONE, PRODUCTION])
    expect(plan(purpose, { mainConf: "include_dir 'conf.d'\n", included }).changed.get('postgresql.conf')).toMatch(own);
  for (const purpose of [CLONE, PRODUCTION]) expect(plan(purpose, { mainConf: 'port = 1\n' }).changed.has('postgresql.conf')).toBe(false);
});

test('a clone is known as one in quarantine too, and a production never is', () => {
  const quarantine = [['external_pid_file', '/tmp/dbadmin-quarantine-x/server.pid']] as const;
  const clone = plan(CLONE, {}, quarantine);
  expect([clone.recoveringAutoConf, clone.settledAutoConf].map(isCloneConfiguration)).toEqual([true, true]);
  // Its backup may be of a clone that somebody made their own.
  const production = plan(PRODUCTION, { autoConf: clone.settledAutoConf }, quarantine);
  expect([production.recoveringAutoConf, production.settledAutoConf].map(isCloneConfiguration)).toEqual([false, false]);
});

test('a production’s files in the data directory, plain ones and what were links, lead to the copies of what they include from outside', () => {
  const outer = [{ path: '/etc/pg/more.conf', content: '# nobody\n' }];
  const parts = {
    mainConf: "include_dir '/etc/pg/empty.d'\n",
    hasHba: true,
    outer,
    linked: new Map([['conf.d/a.conf', "include '/etc/pg/more.conf'\n"]]),
    authentication: new Map([
      ['pg_hba.conf', 'include /etc/pg/more.conf\nlocal all all peer\n'],
      ['pg_ident.conf', 'include_dir "/etc/pg/unknown.d"\n'],
    ]),
  };
  const backup = { missing: [], includedDirectories: ['/etc/pg/empty.d'] };
  expect([...plan(PRODUCTION, parts, [], backup).changed].toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
    ['conf.d/a.conf', "include '/srv/r.config/etc/pg/more.conf'\n"],
    ['pg_hba.conf', 'include "/srv/r.config/etc/pg/more.conf"\nlocal all all peer\n'],
    ['postgresql.conf', "include_dir '/srv/r.config/etc/pg/empty.d'\n"],
  ]);
  expect([...plan(CLONE, parts, [], backup).changed.keys()].sort()).toEqual(['conf.d/a.conf', 'postgresql.conf']);
});

describe('a directory that is included and has nothing in it', () => {
  const includedDirectories = ['here.d', 'conf.d', 'hba/rules.d', '/etc/pg/empty.d', '../escaped', '/etc/../escaped', ''];

  test('is made where the backup says that it was there, beside the data directory for a production alone; whatever leads elsewhere is not', () => {
    const { directories, made, outside, changed } = plan(PRODUCTION, { hasHba: true }, [], { includedDirectories });
    expect(directories).toEqual(['conf.d', 'hba/rules.d']);
    expect(outside.directories).toEqual(['/srv/r.config/etc/pg/empty.d']);
    expect(made).toEqual(['postgresql.conf']);
    expect([...changed.keys()]).toEqual(['postgresql.conf']);
    const clone = plan(CLONE, { hasHba: true }, [], { includedDirectories });
    expect([clone.directories, clone.outside.directories]).toEqual([['conf.d', 'hba/rules.d'], []]);
  });

  test('is not made where nothing says that it was: it may have held settings, and rules that refuse', () => {
    const mainConf = "include_dir 'conf.d'\ninclude 'local.conf'\n";
    for (const backup of [{ missing: [] }, { missing: undefined }, { includedDirectories: [] }]) {
      const { directories, changed } = plan(PRODUCTION, { mainConf, linked: new Map([['postgresql.conf', mainConf]]) }, [], backup);
      expect([directories, changed.has('local.conf')]).toEqual([[], false]);
    }
  });

  test('outside of the data directory is made of a backup that does not name any only where that says that nothing is missing', () => {
    const made = (missing: readonly string[] | undefined): readonly string[] =>
      plan(PRODUCTION, { outer: DEBIAN }, [], { missing }).outside.directories;
    expect(made([])).toEqual(['/srv/r.config/etc/postgresql/17/main/conf.d']);
    expect(made(['what postgresql.conf includes is not known: permission denied'])).toEqual([]);
    expect(made(undefined)).toEqual([]);
  });
});

describe('a production that is to pause, and logs to syslog', () => {
  const request = { purpose: PRODUCTION, action: 'pause', libraries: new Map(), quarantine: [] } as const;
  const inside = preflight({ mainConf: "lc_messages = 'de_DE.UTF-8'\nlog_destination = 'syslog'\n" });

  test('says so where whoever waits looks, and only until then', () => {
    const { recoveringAutoConf, pausedAutoConf } = planConfiguration(inside, { ...request, isWatched: true });
    expect(recoveringAutoConf).toMatch(/^lc_messages = 'C'\nlog_destination = 'stderr'$/m);
    expect(pausedAutoConf).toBe(planConfiguration(inside, request).recoveringAutoConf);
  });

  test('logs as always where it is only laid down', () => {
    const { recoveringAutoConf, pausedAutoConf } = planConfiguration(inside, request);
    expect(recoveringAutoConf).not.toMatch(/^l/m);
    expect(pausedAutoConf).toBeUndefined();
  });
});
