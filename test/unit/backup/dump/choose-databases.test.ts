import { describe, expect, test } from 'vitest';
import { chooseDatabases } from '../../../../src/backup/dump/choose-databases.ts';
import { describeDump, extentOf, missedBy } from '../../../../src/backup/dump/extent.ts';
import type { DumpSelection } from '../../../../src/backup/dump/manifest.ts';

const ALL: DumpSelection = { databases: 'all', excluded: [], schemaOnly: false, tables: [] };
const SOURCE = {
  databases: ['app', 'postgres'],
  undumpable: [
    { database: 'frame', reason: 'template' },
    { database: 'half', reason: 'drop-interrupted' },
    { database: 'payroll', reason: 'no-privilege' },
  ],
  ofProvider: [],
} as const;

describe('chooseDatabases', () => {
  test('all: what can be dumped, and by name what cannot', () => {
    const chosen = chooseDatabases(SOURCE, ALL);
    expect(chosen).toEqual({ databases: ['app', 'postgres'], leftOut: SOURCE.undumpable });
    expect(missedBy(chosen).map(({ database }) => database)).toEqual(['half', 'payroll']);
  });

  test('what is excluded by name is missed by nobody', () => {
    const chosen = chooseDatabases(SOURCE, { ...ALL, excluded: ['postgres', 'payroll', 'half', 'gone'] });
    expect(chosen.databases).toEqual(['app']);
    expect(chosen.leftOut.map(({ database, reason }) => [database, reason])).toEqual([
      ['frame', 'template'],
      ['half', 'excluded'],
      ['payroll', 'excluded'],
      ['postgres', 'excluded'],
    ]);
    expect(missedBy(chosen)).toEqual([]);
  });

  test('those named, each once; one that cannot be dumped keeps no other from it', () => {
    const chosen = chooseDatabases(SOURCE, { ...ALL, databases: ['payroll', 'app', 'app'] });
    expect(chosen.databases).toEqual(['app']);
    expect(missedBy(chosen)).toEqual([{ database: 'payroll', reason: 'no-privilege' }]);
    expect(chosen.leftOut.find(({ database }) => database === 'half')?.reason).toBe('not-asked');
  });

  test.each(['frame', 'template1'])('template %s that is named is refused as that, and not as one that is not there', (name) => {
    expect(() => chooseDatabases(SOURCE, { ...ALL, databases: [name] })).toThrow(
      `database ${name} is a template, and those are not dumped`,
    );
  });

  test('what belongs to the provider of the server is missed by nobody who does not name it', () => {
    const source = { ...SOURCE, undumpable: [{ database: 'rdsadmin', reason: 'provider' }] } as const;
    for (const selection of [ALL, { ...ALL, databases: ['app'] }, { ...ALL, excluded: ['rdsadmin'] }]) {
      const chosen = chooseDatabases(source, selection);
      expect(chosen.leftOut).toContainEqual({ database: 'rdsadmin', reason: 'provider' });
      expect(missedBy(chosen)).toEqual([]);
    }
    const named = chooseDatabases(source, { ...ALL, databases: ['app', 'rdsadmin'] });
    expect(missedBy(named)).toEqual([{ database: 'rdsadmin', reason: 'no-privilege' }]);
  });

  test('what belongs to the provider and may be read is dumped where it is named, and only there', () => {
    const source = { ...SOURCE, undumpable: [{ database: 'azure_sys', reason: 'provider' }], ofProvider: ['azure_sys'] } as const;
    const alone = [
      { database: 'app', reason: 'not-asked' },
      { database: 'postgres', reason: 'not-asked' },
    ];
    expect(chooseDatabases(source, { ...ALL, databases: ['azure_sys'] })).toEqual({ databases: ['azure_sys'], leftOut: alone });
    expect(chooseDatabases(source, ALL)).toEqual({ databases: ['app', 'postgres'], leftOut: source.undumpable });
  });

  test('nothing to dump is refused, as is a name that is not there', () => {
    expect(() => chooseDatabases(SOURCE, { ...ALL, databases: ['absent'] })).toThrow('there is no database absent to dump');
    expect(() => chooseDatabases(SOURCE, { ...ALL, databases: ['payroll'] })).toThrow('none of these databases can be dumped: payroll');
    expect(() => chooseDatabases(SOURCE, { ...ALL, excluded: ['app', 'postgres', 'half', 'payroll'] })).toThrow(
      'all that are there are excluded',
    );
  });
});

test.each([
  [ALL, 'whole', 'all that was in app'],
  [{ ...ALL, databases: ['app'] }, 'whole', 'all that was in app'],
  [{ ...ALL, schemaOnly: true }, 'part', 'a part: definitions without any rows, of app'],
  [{ ...ALL, tables: ['core.play'] }, 'part', 'a part: rows and definitions of only the tables core.play of app'],
  [{ ...ALL, schemaOnly: true, tables: ['core.play'] }, 'part', 'a part: definitions without any rows of only the tables core.play of app'],
] as const)('a dump says what it is: %j', (selection, extent, text) => {
  const leftOut = [
    { database: 'payroll', reason: 'no-privilege' },
    { database: 'x', reason: 'excluded' },
    { database: 'y', reason: 'not-asked' },
  ] as const;
  const databases = [{ database: 'app', key: 'k', sizeBytes: 1, blake3: '', sha256: '', startedAt: '', finishedAt: '' }];
  expect(extentOf({ selection })).toBe(extent);
  expect(describeDump({ selection, leftOut, databases })).toEqual([
    text,
    'could not be dumped: payroll, for the role may not connect to it',
    'excluded: x',
    'not asked for: y',
  ]);
  expect(extentOf({})).toBe('unrecorded');
  expect(describeDump({ databases })).toEqual([expect.stringContaining('it may hold definitions or single tables only')]);
});
