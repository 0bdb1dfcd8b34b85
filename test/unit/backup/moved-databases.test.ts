import { expect, test } from 'vitest';
import { MovedDatabases, type DatabaseCopies, type DatabaseRow, type Databases } from '../../../src/backup/take/moved-databases.ts';
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

/** `tablespace/database`, with `!` behind it where it is being dropped or moved. */
function standing(...directories: readonly string[]): Databases {
  return new Map(
    directories.map((name): [number, DatabaseRow] => {
      const { database, tablespace } = directoryOf(name.replace('!', ''));
      return [database, { name: `d${database}`, version: '', tablespace, mayGo: name.endsWith('!') }];
    }),
  );
}

/** `last` is how they stood at last; the last two outcomes are of when that is not known. */
interface Course {
  readonly name: string;
  readonly records: readonly DatabaseRecord[];
  readonly last: Databases;
  readonly lost: readonly number[];
  readonly unasked?: readonly number[];
  readonly open?: readonly (readonly [database: number, source: number])[];
}

const COURSES: readonly Course[] = [
  { name: 'moved', records: MOVED, last: standing('2/7'), lost: [7] },
  {
    name: 'there and back: the second copy is one of what may be empty',
    records: [...MOVED, copied('2/7', '1/7'), dropped('2/7')],
    last: standing('1/7'),
    lost: [7],
  },
  { name: 'a copy of one that was moved', records: [...MOVED, copied('2/7', '1/8')], last: standing('2/7', '1/8'), lost: [7, 8] },
  {
    name: 'moved, and not yet by the catalog: nothing is deleted before',
    records: [copied('1/7', '2/7')],
    last: standing('1/7!'),
    lost: [],
    unasked: [7],
  },
  { name: 'moved, and deleted where it was before that is logged', records: [copied('1/7', '2/7')], last: standing('2/7!'), lost: [7] },
  {
    name: 'copied, then moved, and deleted where it was before that is logged',
    records: [copied('1/6', '1/7'), copied('1/6', '2/6')],
    last: standing('2/6!', '1/7'),
    lost: [7, 6],
  },
  { name: 'a copy of one that stays', records: [copied('1/1', '1/7')], last: standing('1/1', '1/7'), lost: [], open: [[7, 1]] },
  {
    name: 'a copy, in another tablespace, of one that has several and stays',
    records: [copied('1/1', '1/7'), copied('2/1', '2/7')],
    last: standing('1/1', '1/7'),
    lost: [],
    open: [[7, 1]],
  },
  { name: 'a copy of one that is dropped then', records: [copied('1/6', '1/7'), dropped('1/6')], last: standing('1/7'), lost: [7] },
  {
    name: 'a copy of one that is being dropped',
    records: [copied('1/6', '1/7')],
    last: standing('1/6!', '1/7'),
    lost: [7],
    unasked: [],
    open: [[7, 6]],
  },
  {
    name: 'a copy of one that was dropped behind the end of the backup',
    records: [copied('1/6', '1/7')],
    last: standing('1/7'),
    lost: [7],
    unasked: [],
    open: [[7, 6]],
  },
  {
    name: 'a copy of a copy of one that is dropped then',
    records: [copied('1/6', '1/7'), copied('1/7', '1/8'), dropped('1/6')],
    last: standing('1/7', '1/8'),
    lost: [7, 8],
  },
  {
    name: 'a copy of one that was copied meanwhile itself, and is dropped then',
    records: [copied('1/1', '1/6'), copied('1/6', '1/7'), dropped('1/6')],
    last: standing('1/1', '1/7'),
    lost: [],
    open: [[7, 1]],
  },
  {
    name: 'a copy of one that was copied meanwhile, and dropped behind the end of the backup',
    records: [copied('1/1', '1/6'), copied('1/6', '1/7')],
    last: standing('1/1', '1/7'),
    lost: [],
    open: [
      [6, 1],
      [7, 1],
    ],
  },
  {
    name: 'copied meanwhile, and moved then',
    records: [copied('1/1', '1/7'), copied('1/7', '2/7'), dropped('1/7')],
    last: standing('1/1', '2/7'),
    lost: [],
    open: [[7, 1]],
  },
  {
    name: 'copied meanwhile, and moved then, and deleted where it was before that is logged',
    records: [copied('1/1', '1/7'), copied('1/7', '2/7')],
    last: standing('1/1', '2/7!'),
    lost: [],
    open: [[7, 1]],
  },
  { name: 'dropped after it was moved', records: [...MOVED, dropped('2/7')], last: standing(), lost: [] },
  {
    name: 'dropped after it was moved, behind the end of the backup',
    records: MOVED,
    last: standing(),
    lost: [],
    unasked: [7],
  },
  { name: 'dropped in several tablespaces', records: [...MOVED, dropped('1/7', '2/7')], last: standing(), lost: [] },
  { name: 'made anew, with all of it in the WAL', records: [...MOVED, dropped('2/7'), made('2/7')], last: standing('2/7'), lost: [] },
  {
    name: 'another of the same number, copied from one that stays',
    records: [...MOVED, dropped('2/7'), copied('1/1', '2/7')],
    last: standing('1/1', '2/7'),
    lost: [],
    open: [[7, 1]],
  },
];

test.each(COURSES)('databases that a backup may not have: $name', ({ records, last, lost, unasked = lost, open = [] }) => {
  const outcomeOf = (databases: Databases | undefined): DatabaseCopies => {
    const moved = new MovedDatabases();
    for (const record of records) moved.add(record);
    return moved.outcome(databases);
  };
  expect(outcomeOf(last)).toEqual({ lost, open: [] });
  expect(outcomeOf(undefined)).toEqual({ lost: unasked, open: open.map(([database, source]) => ({ database, source })) });
});
