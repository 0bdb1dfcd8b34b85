import { describe, expect, test } from 'vitest';
import {
  lastSetting,
  leadingMainConf,
  moveOuter,
  outerPathOf,
  withoutOutsideLines,
} from '../../../../src/backup/restore/configuration-files.ts';

test('lastSetting: the last line of that name wins, quoted or not, and comments do not count', () => {
  const conf = "shared_preload_libraries = 'a, b'\n#shared_preload_libraries = 'c'\n  shared_preload_libraries='d'  # why\n";
  expect(lastSetting(conf, 'shared_preload_libraries')).toBe('d');
  expect(lastSetting('port 5433\n', 'port')).toBe('5433');
  expect(lastSetting('', 'port')).toBeUndefined();
});

describe('withoutOutsideLines', () => {
  test('takes out what would lead a clone to the original’s files', () => {
    const conf = "port = 5432\ndata_directory = '/srv/prod'\ninclude_dir '/etc/pg/conf.d'\ninclude 'own.conf'\n";
    expect(withoutOutsideLines(conf)).toEqual({
      text: "port = 5432\n# left out by dbadmin restore: data_directory = '/srv/prod'\n# left out by dbadmin restore: include_dir '/etc/pg/conf.d'\ninclude 'own.conf'\n",
      left: ["data_directory = '/srv/prod'", "include_dir '/etc/pg/conf.d'"],
    });
  });

  test('leaves an ordinary file alone', () => {
    expect(withoutOutsideLines("port = 5432\n#data_directory = 'ConfigDir'\n")).toBeUndefined();
  });
});

describe('configuration from outside of the data directory', () => {
  test('is known in a manifest by its prefix', () => {
    expect(outerPathOf('.dbadmin/config/etc/pg/postgresql.conf')).toBe('/etc/pg/postgresql.conf');
    expect(outerPathOf('postgresql.conf')).toBeUndefined();
  });

  test('is moved with the includes that lead to what is there; others stay as they are', () => {
    const files = [
      {
        path: '/etc/pg/postgresql.conf',
        content:
          "include_dir 'conf.d'\ninclude_dir = '/etc/pg/more.d/'\ninclude_dir '/etc/none.d'\ninclude_dir '/etc/pg/empty.d'\ninclude '/etc/pg/a.conf'\ninclude_if_exists '/etc/other.conf'\ninclude 'x.conf'\n",
      },
      { path: '/etc/pg/pg_hba.conf', content: 'include /etc/pg/a.conf\ninclude "/etc/pg/none.conf"\n' },
      { path: '/etc/pg/a.conf', content: 'work_mem = 1MB\n' },
      { path: '/etc/pg/more.d/b.conf', content: '' },
    ];
    expect(moveOuter({ files, directories: ['/etc/pg/conf.d', '/etc/pg/empty.d'] }, '/srv/r.config')).toEqual({
      files: [
        {
          path: '/srv/r.config/etc/pg/postgresql.conf',
          content:
            "include_dir 'conf.d'\ninclude_dir = '/srv/r.config/etc/pg/more.d'\ninclude_dir '/etc/none.d'\ninclude_dir '/srv/r.config/etc/pg/empty.d'\ninclude '/srv/r.config/etc/pg/a.conf'\ninclude_if_exists '/etc/other.conf'\ninclude 'x.conf'\n",
        },
        { path: '/srv/r.config/etc/pg/pg_hba.conf', content: 'include "/srv/r.config/etc/pg/a.conf"\ninclude "/etc/pg/none.conf"\n' },
        { path: '/srv/r.config/etc/pg/a.conf', content: 'work_mem = 1MB\n' },
        { path: '/srv/r.config/etc/pg/more.d/b.conf', content: '' },
      ],
      directories: ['/srv/r.config/etc/pg/conf.d', '/srv/r.config/etc/pg/empty.d'],
    });
  });

  test('is led to from the data directory, whose own place has the last word', () => {
    expect(leadingMainConf('/srv/r.config/etc/pg/postgresql.conf', "/srv/o'r").split('\n').slice(1)).toEqual([
      "include '/srv/r.config/etc/pg/postgresql.conf'",
      "data_directory = '/srv/o''r'",
      '',
    ]);
  });
});
