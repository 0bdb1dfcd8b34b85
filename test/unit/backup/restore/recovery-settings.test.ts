import { describe, expect, test } from 'vitest';
import {
  recoverySettings,
  repositoryCommand,
  spoolCommand,
  writeAutoConf,
  type RecoverySettings,
} from '../../../../src/backup/restore/recovery-settings.ts';

const recovery: RecoverySettings = {
  major: 17,
  end: { kind: 'lsn', lsn: 0x5b21f0a8n, inclusive: true },
  timeline: 1,
  action: 'promote',
  restoreCommand: 'cp',
};

describe('recoverySettings', () => {
  test('only one target is set, and it comes last', () => {
    const targets = recoverySettings(recovery).filter(([name]) => /^recovery_target(_lsn|_time|_xid|_name)?$/.test(name));
    expect(targets.filter(([, value]) => value !== '')).toEqual([['recovery_target_lsn', '0/5B21F0A8']]);
    expect(targets.at(-1)?.[0]).toBe('recovery_target_lsn');
  });

  test('prefetch, which would ask for the segment after the target, is off where there is such a setting', () => {
    expect(new Map(recoverySettings(recovery)).get('recovery_prefetch')).toBe('off');
    expect(new Map(recoverySettings({ ...recovery, major: 14 })).has('recovery_prefetch')).toBe(false);
  });
});

describe('restore_command', () => {
  test('survives quotes and percent signs in the path', () => {
    expect(spoolCommand("/srv/100% o'clock.wal")).toContain(String.raw`'/srv/100%% o'\''clock.wal'/wal/"%f"`);
  });

  test('of a production asks the repository for what is not spooled, by absolute paths, and never takes an accident for the end', () => {
    const command = spoolCommand(
      '/r.wal',
      repositoryCommand(['/usr/bin/node', '/opt/x/dbadmin.cjs', 'wal', 'get', '--config', '/etc/100%.yaml']),
    );
    expect(command).toContain("else '/usr/bin/node' '/opt/x/dbadmin.cjs' 'wal' 'get' '--config' '/etc/100%%.yaml' --absent-code 44 %f %p;");
    expect(command).toContain('[ $c = 44 ] && exit 1; exit 126');
  });
});

describe('writeAutoConf', () => {
  test('keeps what ALTER SYSTEM had set, but for what is set now and old recovery targets', () => {
    const text = writeAutoConf("# comment\nwork_mem = '64MB'\nport = 5432\nrecovery_target_time = '2020-01-01'\nARCHIVE_MODE = on\n", [
      ['port', '55432'],
      ['archive_mode', 'off'],
      ['note', "it's"],
    ]);
    expect(text.split('\n').slice(1)).toEqual(["work_mem = '64MB'", "port = '55432'", "archive_mode = 'off'", "note = 'it''s'", '']);
  });
});
