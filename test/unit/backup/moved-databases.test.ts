import { expect, test } from 'vitest';
import { MovedDatabases } from '../../../src/backup/take/moved-databases.ts';
import type { DatabaseDirectory, DatabaseRecord } from '../../../src/postgres/database-records.ts';

/** As `tablespace/database`. */
function directoryOf(name: string): DatabaseDirectory {
  const [tablespace, database] = name.split('/').map(Number);
  return { tablespace: tablespace ?? 0, database: database ?? 0 };
}

const copied = (source: string, directory: string): DatabaseRecord => ({
  kind: 'copied',
  source: directoryOf(source),
  directory: directoryOf(directory),
});
const made = (directory: string): DatabaseRecord => ({ kind: 'made', directory: directoryOf(directory) });
const dropped = (...directories: readonly string[]): DatabaseRecord => ({ kind: 'dropped', directories: directories.map(directoryOf) });

const MOVED = [copied('1/7', '2/7'), dropped('1/7')];

test.each<{ readonly name: string; readonly records: readonly DatabaseRecord[]; readonly lost: readonly number[] }>([
  { name: 'moved', records: MOVED, lost: [7] },
  {
    name: 'there and back: the second copy is one of what may be empty',
    records: [...MOVED, copied('2/7', '1/7'), dropped('2/7')],
    lost: [7],
  },
  { name: 'a copy of one that was moved', records: [...MOVED, copied('2/7', '1/8')], lost: [7, 8] },
  { name: 'moved, and not yet deleted where it was', records: [copied('1/7', '2/7')], lost: [] },
  { name: 'a copy of one that stays', records: [copied('1/1', '1/7')], lost: [] },
  { name: 'a copy of one that is dropped then', records: [copied('1/6', '1/7'), dropped('1/6')], lost: [7] },
  { name: 'dropped after it was moved', records: [...MOVED, dropped('2/7')], lost: [] },
  { name: 'dropped in several tablespaces', records: [...MOVED, dropped('1/7', '2/7')], lost: [] },
  { name: 'made anew, with all of it in the WAL', records: [...MOVED, dropped('2/7'), made('2/7')], lost: [] },
  { name: 'another of the same number, copied from one that stays', records: [...MOVED, dropped('2/7'), copied('1/1', '2/7')], lost: [] },
])('databases that a backup may not have: $name', ({ records, lost }) => {
  const databases = new MovedDatabases();
  for (const record of records) databases.add(record);
  expect(databases.lost()).toEqual(lost);
});
