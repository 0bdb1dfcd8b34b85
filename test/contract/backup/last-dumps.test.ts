import { describe, expect, test } from 'vitest';
import { dumpGlobalsKey, dumpKey, dumpLabel, dumpManifestKey } from '../../../src/backup/dump/layout.ts';
import { dumpsAhead, lastDump, lastDumps, type DumpPromise } from '../../../src/backup/dump/last-inspect.ts';
import type { DumpFormat, DumpManifest, DumpSelection, LeftOutDatabase } from '../../../src/backup/dump/manifest.ts';
import { readDumpManifest, writeDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

const SYSTEM = '7000000000000000001';
const PREFIX = `${SYSTEM}/`;
const NOW = new Date('2026-11-30T00:00:00Z');
const ALL: DumpSelection = { databases: 'all', excluded: [], schemaOnly: false, tables: [] };
const EVERY_DAY: DumpPromise = { databases: 'all', excluded: [], ageMs: 1000 };
const objectOf = { sizeBytes: 0, blake3: '', sha256: '' };

type Parts = Pick<DumpManifest, 'selection' | 'leftOut'>;

/** A dump of the nth of the month, at midnight or so many minutes after, with these databases. */
async function dump(
  repository: Repository,
  day: number,
  databases: readonly string[],
  parts: Parts = { selection: ALL, leftOut: [] },
  minutes = 0,
  format: DumpFormat = 'custom',
): Promise<string> {
  const startedAt = new Date(Date.parse(momentOf(day)) + minutes * 60_000);
  const at = startedAt.toISOString();
  const label = dumpLabel(startedAt);
  const keyOf = (database: string): string => dumpKey(PREFIX, label, database, format);
  for (const database of databases) await repository.store.create(keyOf(database), new Uint8Array());
  await repository.store.create(dumpGlobalsKey(PREFIX, label), new Uint8Array());
  await writeDumpManifest(repository, PREFIX, {
    format: 2,
    label,
    cluster: 'main',
    systemIdentifier: SYSTEM,
    serverVersion: '18.4',
    programVersion: '18.4',
    tool: 'test',
    startedAt: at,
    finishedAt: at,
    ...parts,
    globals: { key: dumpGlobalsKey(PREFIX, label), ...objectOf },
    databases: databases.map((database) => ({
      database,
      ...(format === 'directory' ? { format } : {}),
      key: keyOf(database),
      ...objectOf,
      startedAt: at,
      finishedAt: at,
    })),
  });
  return label;
}

const momentOf = (day: number): string => `2026-11-${String(day).padStart(2, '0')}T00:00:00.000Z`;
const named = (...databases: readonly string[]): DumpSelection => ({ ...ALL, databases });
const out = (reason: LeftOutDatabase['reason'], ...databases: readonly string[]): readonly LeftOutDatabase[] =>
  databases.map((database) => ({ database, reason }));

/** The day of the last whole dump of each database. */
async function days(repository: Repository, promises: readonly DumpPromise[]): Promise<Readonly<Record<string, number | undefined>>> {
  const found = await lastDumps(repository, SYSTEM, promises, NOW);
  return Object.fromEntries(found.map(({ database, last }) => [database, last === undefined ? undefined : new Date(last.at).getUTCDate()]));
}

describe.each([false, true])('the last whole dump of each database (encrypted: %s)', (encrypted) => {
  test('dumps of definitions or single tables are none', async () => {
    const repository = await makeMemoryRepository(encrypted);
    expect(await lastDumps(repository, SYSTEM, [EVERY_DAY], NOW)).toEqual([]);
    const first = await dump(repository, 1, ['app'], { selection: { ...ALL, schemaOnly: true }, leftOut: [] });
    expect(await lastDumps(repository, SYSTEM, [EVERY_DAY], NOW)).toEqual([]);
    expect(await lastDump(repository, SYSTEM)).toEqual({ label: first, at: momentOf(1) });
    const second = await dump(repository, 2, ['app']);
    await dump(repository, 3, ['app'], { selection: { ...ALL, tables: ['core.play'] }, leftOut: [] });
    expect(await lastDumps(repository, SYSTEM, [EVERY_DAY], NOW)).toEqual([
      { database: 'app', ageMs: 1000, last: { label: second, at: momentOf(2) } },
    ]);
    expect(await lastDump(repository, SYSTEM)).toEqual({ label: second, at: momentOf(2) });
  });

  test('those in directory format count as those in custom format do', async () => {
    const repository = await makeMemoryRepository(encrypted);
    await dump(repository, 1, ['app', 'naïve=1']);
    await dump(repository, 2, ['app', 'naïve=1'], undefined, 0, 'directory');
    expect(await days(repository, [EVERY_DAY])).toEqual({ app: 2, 'naïve=1': 2 });
  });

  test('one of a clock that was ahead is as old as it was stored, and is not the last where nothing tells that', async () => {
    const clock = new ManualClock(Date.parse(momentOf(2)));
    const repository = await makeMemoryRepository(encrypted, createMemoryStore(clock));
    const ahead = await dump(repository, 29, ['app']);
    const now = new Date(momentOf(4));
    expect(await lastDumps(repository, SYSTEM, [EVERY_DAY], now)).toMatchObject([{ last: { label: ahead, at: momentOf(2) } }]);
    // Where that is no moment to come, it may be the store's clock that was behind.
    expect(await lastDumps(repository, SYSTEM, [EVERY_DAY], NOW)).toMatchObject([{ last: { label: ahead, at: momentOf(29) } }]);
    clock.set(Date.parse(momentOf(3)));
    const third = await dump(repository, 3, ['app']);
    expect(await lastDumps(repository, SYSTEM, [EVERY_DAY], now)).toMatchObject([{ last: { label: third } }]);
    // The store's clock was ahead, too.
    clock.set(Date.parse(momentOf(28)));
    const lost = await dump(repository, 28, ['app']);
    expect(await lastDumps(repository, SYSTEM, [EVERY_DAY], now)).toMatchObject([{ last: { label: third } }]);
    expect(await dumpsAhead(repository, SYSTEM, now)).toEqual([lost]);
  });

  test('one that could not be dumped is told of by the last that holds it, or by none; one that is gone is not', async () => {
    const repository = await makeMemoryRepository(encrypted);
    await dump(repository, 1, ['app', 'dropped', 'payroll']);
    await dump(repository, 2, ['app'], {
      selection: ALL,
      leftOut: [...out('no-privilege', 'hidden', 'payroll'), ...out('template', 'frame'), ...out('provider', 'rdsadmin')],
    });
    expect(await days(repository, [EVERY_DAY])).toEqual({ app: 2, hidden: undefined, payroll: 1 });
    expect(await days(repository, [{ ...EVERY_DAY, excluded: ['hidden', 'payroll'] }])).toEqual({ app: 2 });
    // What belongs to the provider is promised where it is named.
    expect(Object.keys(await days(repository, [{ ...EVERY_DAY, databases: ['app', 'rdsadmin'] }]))).toEqual(['app', 'rdsadmin']);
  });

  test('what several policies dump apart is judged by the promise of each', async () => {
    const repository = await makeMemoryRepository(encrypted);
    await dump(repository, 1, ['audit'], { selection: named('audit'), leftOut: out('not-asked', 'app', 'postgres') });
    for (const day of [2, 3])
      await dump(repository, day, ['app'], { selection: named('app'), leftOut: out('not-asked', 'audit', 'postgres') });
    const promises: readonly DumpPromise[] = [
      { databases: ['app'], excluded: [], ageMs: 1000 },
      { databases: ['app', 'audit'], excluded: [], ageMs: 7000 },
    ];
    expect((await lastDumps(repository, SYSTEM, promises, NOW)).map(({ database, ageMs }) => [database, ageMs])).toEqual([
      ['app', 1000],
      ['audit', 7000],
    ]);
    expect(await days(repository, promises)).toEqual({ app: 3, audit: 1 });
    // Where nobody says what is to be dumped it is what the last whole one was asked for.
    expect(await days(repository, [])).toEqual({ app: 3 });
  });

  test('dumps of before they said what they are, and of format 1, are read and count as they did', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const label = await dump(repository, 1, ['app'], {});
    expect(await readDumpManifest(repository, PREFIX, label)).not.toHaveProperty('selection');
    expect(await days(repository, [EVERY_DAY])).toEqual({ app: 1 });
    if (encrypted) return;
    const old = '20261105T000000Z-dump';
    const manifest = JSON.parse(Buffer.from(await repository.store.read(dumpManifestKey(PREFIX, label))).toString()) as Record<
      string,
      unknown
    >;
    const { checksum: _, ...content }: Record<string, unknown> = { ...manifest, format: 1, label: old, startedAt: momentOf(5) };
    await repository.store.create(dumpKey(PREFIX, old, 'app'), new Uint8Array());
    await repository.store.create(dumpManifestKey(PREFIX, old), Buffer.from(JSON.stringify(content)));
    expect(await days(repository, [EVERY_DAY])).toEqual({ app: 5 });
  });

  test('a database that is dumped seldom has its last dump however many of others came since, and they are not read for it', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const apart = { selection: named('app'), leftOut: [...out('not-asked', 'a/b'), ...out('no-privilege', 'hidden')] };
    await dump(repository, 1, ['a/b'], { selection: named('a/b'), leftOut: out('not-asked', 'app', 'hidden') });
    for (let n = 0; n < 70; n += 1) await dump(repository, 2, ['app'], apart, n);
    const definitions = { ...apart, selection: { ...named('app'), schemaOnly: true } };
    for (let n = 0; n < 70; n += 1) await dump(repository, 3, ['app'], definitions, n);
    expect(await days(repository, [EVERY_DAY])).toEqual({ 'a/b': 1, app: 2, hidden: undefined });
    const last = await dump(repository, 4, ['app'], apart);
    const read: string[] = [];
    const store = withFaults(repository.store, ({ operation, key }) => {
      if (operation.startsWith('read')) read.push(key);
    });
    const counted = { ...repository, store };
    expect(await days(counted, [EVERY_DAY])).toEqual({ 'a/b': 1, app: 4, hidden: undefined });
    expect(read).toEqual([dumpManifestKey(PREFIX, last), dumpManifestKey(PREFIX, '20261101T000000Z-dump')]);
  });

  test('one of which the content of a database is gone holds none of it', async () => {
    const repository = await makeMemoryRepository(encrypted);
    await dump(repository, 1, ['app']);
    await repository.store.delete(dumpKey(PREFIX, await dump(repository, 2, ['app', 'audit']), 'app'));
    expect(await days(repository, [EVERY_DAY])).toEqual({ app: 1, audit: 2 });
  });

  test('one whose manifest is damaged is passed over', async () => {
    const repository = await makeMemoryRepository(encrypted);
    await dump(repository, 1, ['app']);
    const key = dumpManifestKey(PREFIX, await dump(repository, 2, ['app']));
    const bytes = Buffer.from(await repository.store.read(key));
    bytes[bytes.byteLength - 9] = (bytes.at(-9) ?? 0) ^ 1;
    await repository.store.delete(key);
    await repository.store.create(key, bytes);
    expect(await days(repository, [EVERY_DAY])).toEqual({ app: 1 });
  });
});
