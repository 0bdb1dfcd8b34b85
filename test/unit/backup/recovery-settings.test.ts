import { describe, expect, test } from 'vitest';
import { cloneSettings, writeAutoConf, type CloneSettings } from '../../../src/backup/restore/recovery-settings.ts';
import { lastSetting } from '../../../src/backup/restore/apply.ts';

const clone: CloneSettings = {
  major: 17,
  port: 55_432,
  clusterName: 'main-restored',
  socketDirectory: undefined,
  dataDirectory: '/srv/r',
  limits: { maxConnections: 300, maxWorkerProcesses: 9, maxWalSenders: 11, maxPreparedXacts: 4, maxLocksPerXact: 128 },
  preloadLibraries: ['auto_explain'],
  end: { kind: 'lsn', lsn: 0x5b21f0a8n, inclusive: true },
  timeline: 1,
  action: 'promote',
  spoolDirectory: "/srv/100% o'clock.wal",
};

describe('cloneSettings: a clone cannot harm the original', () => {
  const settings = new Map(cloneSettings(clone));

  test.each([
    ['archive_mode', 'off'],
    ['archive_command', ''],
    ['listen_addresses', '127.0.0.1'],
    ['synchronous_standby_names', ''],
    ['primary_conninfo', ''],
    ['max_logical_replication_workers', '0'],
    ['recovery_prefetch', 'off'],
    ['max_connections', '300'],
    ['max_locks_per_transaction', '128'],
    ['recovery_target_lsn', '0/5B21F0A8'],
    ['recovery_target_timeline', '1'],
  ])('%s is %j', (name, value) => {
    expect(settings.get(name)).toBe(value);
  });

  test('only one target is set, and it comes last', () => {
    const targets = cloneSettings(clone).filter(([name]) => /^recovery_target(_lsn|_time|_xid|_name)?$/.test(name));
    expect(targets.filter(([, value]) => value !== '')).toEqual([['recovery_target_lsn', '0/5B21F0A8']]);
    expect(targets.at(-1)?.[0]).toBe('recovery_target_lsn');
  });

  test('settings that older majors do not know are left out', () => {
    const old = new Map(cloneSettings({ ...clone, major: 14 }));
    expect(old.has('recovery_prefetch')).toBe(false);
    expect(old.has('archive_library')).toBe(false);
  });

  test('restore_command survives quotes and percent signs in the path', () => {
    expect(settings.get('restore_command')).toContain(String.raw`'/srv/100%% o'\''clock.wal'/wal/"%f"`);
  });
});

describe('writeAutoConf', () => {
  test('keeps what ALTER SYSTEM had set, but for what the clone sets itself and old recovery targets', () => {
    const text = writeAutoConf("# comment\nwork_mem = '64MB'\nport = 5432\nrecovery_target_time = '2020-01-01'\nARCHIVE_MODE = on\n", [
      ['port', '55432'],
      ['archive_mode', 'off'],
      ['note', "it's"],
    ]);
    expect(text.split('\n').slice(1)).toEqual(["work_mem = '64MB'", "port = '55432'", "archive_mode = 'off'", "note = 'it''s'", '']);
  });
});

test('lastSetting: the last line of that name wins, quoted or not, and comments do not count', () => {
  const conf = "shared_preload_libraries = 'a, b'\n#shared_preload_libraries = 'c'\n  shared_preload_libraries='d'  # why\n";
  expect(lastSetting(conf, 'shared_preload_libraries')).toBe('d');
  expect(lastSetting('port 5433\n', 'port')).toBe('5433');
  expect(lastSetting('', 'port')).toBeUndefined();
});
