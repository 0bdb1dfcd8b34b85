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

/** What the configuration depends on; the rest of a preflight is not looked at. */
function preflight(
  parts: Partial<Pick<Preflight, 'autoConf' | 'mainConf' | 'hasHba' | 'outer' | 'linked'>>,
  missing: readonly string[] = [],
): Preflight {
  const looked: unknown = {
    autoConf: '',
    mainConf: undefined,
    hasHba: false,
    outer: [],
    linked: new Map(),
    layout: {
      dataDirectory: '/srv/r',
      spoolDirectory: '/srv/r.wal',
      directories: [{ path: 'base' }, { path: 'here.d' }],
      files: [{ path: 'here.conf' }],
    },
    resolution: { backup: { serverVersion: 170_010, missing }, end: { kind: 'end-of-wal' } },
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
): RestoredConfiguration {
  return planConfiguration(preflight(parts), { purpose, action: 'promote', libraries: new Map(), quarantine });
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

test('a clone is known as one in quarantine too, and a production never is', () => {
  const quarantine = [['external_pid_file', '/tmp/dbadmin-quarantine-x/server.pid']] as const;
  const clone = plan(CLONE, {}, quarantine);
  expect([clone.recoveringAutoConf, clone.settledAutoConf].map(isCloneConfiguration)).toEqual([true, true]);
  // Its backup may be of a clone that somebody made their own.
  const production = plan(PRODUCTION, { autoConf: clone.settledAutoConf }, quarantine);
  expect([production.recoveringAutoConf, production.settledAutoConf].map(isCloneConfiguration)).toEqual([false, false]);
});

describe('what the configuration includes and no backup has, because it is a link with no line behind it', () => {
  const mainConf = [
    "include_dir = 'conf.d' # links to an empty directory",
    'Include_Dir here.d',
    "include 'here.conf'",
    "include 'linked.conf'",
    "include 'local/comments.conf'",
    "include_if_exists 'perhaps.conf'",
    "# include 'not.conf'",
    "include_dir '../beside'",
    "include '/etc/absolute.conf'",
    '',
  ].join('\n');
  const linked = new Map([
    ['postgresql.conf', mainConf],
    ['linked.conf', "include_dir 'more.d'\n"],
    ['hba/pg_hba.conf', 'include_dir "rules.d/"\nlocal all all peer\n'],
  ]);
  const parts = { mainConf, linked, hasHba: true };

  test.each([CLONE, PRODUCTION])('is made empty, and files are named ($kind)', (purpose) => {
    const { directories, made, changed } = plan(purpose, parts);
    expect(directories).toEqual(['conf.d', 'hba/rules.d', 'more.d']);
    expect(made).toEqual(['local/comments.conf', 'conf.d/', 'hba/rules.d/', 'more.d/']);
    expect(changed.get('local/comments.conf')).toMatch(/^#.*\n$/);
    expect([...changed.keys()].toSorted()).toEqual(['hba/pg_hba.conf', 'linked.conf', 'local/comments.conf', 'postgresql.conf']);
  });

  test('is left to the server to refuse where the backup says that something is missing: it may be settings, or rules that refuse', () => {
    const request = { purpose: PRODUCTION, action: 'promote', libraries: new Map(), quarantine: [] } as const;
    const { directories } = planConfiguration(preflight(parts, ['hba/rules.d/no.conf was not saved: permission denied']), request);
    expect(directories).toEqual([]);
  });

  test('is nothing where it is all there', () => {
    const { directories, made } = plan(PRODUCTION, { mainConf: "include_dir 'here.d'\ninclude 'here.conf'\n", hasHba: true });
    expect([directories, made]).toEqual([[], []]);
  });
});
