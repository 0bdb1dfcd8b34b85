import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/commands/catalogue.ts';
import { runInProcess } from '../backup/in-process.ts';

/** The commands whose numbers and durations are looked at, and how the catalogue writes the value of such an option. */
const GROUPS = /^(backup|restore|wal|repository|schedule|worker)( |$)/;
const IS_NUMBER = /<(n|code|port|percent|size|duration|span|rule=n)>|--(timeline|to-xid|until|since|grace) </;

const NO_NUMBERS = ['', ' ', 'NaN', 'Infinity', '-1', '-5s', '5', 'soon', '1e3', '0x10', '１０'];
const NO_COUNTS = ['', ' ', 'NaN', 'Infinity', '-1', '1.5', '1e1', '0x4', '4 ', '+4', '9'.repeat(400), 'none'];
const TOO_LONG = ['99999999d', `${'9'.repeat(400)}d`];
const LARGE = '99999999999999999999';

interface Case {
  readonly words: readonly string[];
  /** Values that are refused. */
  readonly refused: readonly string[];
}

/** What goes with the option where it needs something, and what it does not take. Words that end with `=` are glued to the value. */
const CASES: Readonly<Record<string, Case>> = {
  'backup run --level': { words: ['--level'], refused: [...NO_COUNTS, '0', '20', LARGE] },
  'backup run --max-rate': { words: ['--max-rate'], refused: ['', 'NaN', '-1MB', '1', '1e9', '2GiB', `${LARGE}MB`, '5 parsecs'] },
  'wal receive --rpo': { words: ['--rpo'], refused: [...NO_NUMBERS, ...TOO_LONG] },
  'wal get --absent-code': { words: ['0'.repeat(24), 'file', '--absent-code'], refused: [...NO_COUNTS, '0', '126', LARGE] },
  'wal get --prefetch': { words: ['0'.repeat(24), 'file', '--prefetch'], refused: [...NO_COUNTS, '65', LARGE] },
  'wal find --rows': { words: ['--mass-delete', 'a.b', '--rows'], refused: [...NO_COUNTS, '0', LARGE] },
  'wal find --limit': { words: ['--commits-between', '2026-01-01', '--limit'], refused: [...NO_COUNTS, '0', LARGE] },
  'wal find --timeline': { words: ['--drop', 'a.b', '--timeline'], refused: [...NO_COUNTS, '0', LARGE] },
  'restore --to-xid': { words: ['--into', 'none', '--to-xid'], refused: ['', ' ', 'NaN', '-1', '1.5', '1e3', '0x10'] },
  'restore --timeline': { words: ['--into', 'none', '--to-latest', '--timeline'], refused: [...NO_COUNTS, '0', LARGE] },
  'restore --port': { words: ['--into', 'none', '--to-latest', '--port'], refused: [...NO_COUNTS, '0', '65536', LARGE] },
  'restore --jobs': { words: ['--dump', '20260101T000000Z-dump', '--jobs'], refused: [...NO_COUNTS, '0', '65', LARGE] },
  'backup verify --sample': {
    words: ['--sample'],
    refused: ['', '%', 'NaN%', '0%', '-5%', '5', '100.1%', '1e1%', '999%', `${LARGE}%`],
  },
  'backup dump --jobs': { words: ['--format', 'directory', '--jobs'], refused: [...NO_COUNTS, '0', '65', LARGE] },
  'backup drill --to-xid': { words: ['--to-xid'], refused: ['', 'NaN', '-1', '1.5'] },
  'backup drill --timeout': { words: ['--timeout'], refused: [...NO_NUMBERS, ...TOO_LONG, '0s', '500ms', '366d'] },
  'backup drill --limit': { words: ['--list', '--limit'], refused: [...NO_COUNTS, '0', '1001', LARGE] },
  'backup expire --window': { words: ['--window'], refused: [...NO_NUMBERS, ...TOO_LONG] },
  'backup expire --keep': {
    words: ['--keep'],
    refused: ['', 'daily', 'daily=', 'daily=-1', 'daily=1.5', 'daily=NaN', 'daily=1e1', 'daily=3=5', `daily=${LARGE}`, 'fortnightly=3'],
  },
  'backup expire --minimum': { words: ['--minimum'], refused: [...NO_COUNTS, '0', LARGE] },
  'backup expire --dumps': { words: ['--dumps'], refused: [...NO_COUNTS, '0', LARGE] },
  'backup expire --grace': { words: ['--window', '7d', '--grace'], refused: [...NO_NUMBERS, ...TOO_LONG] },
  'backup hold --until': {
    words: ['20260101T000000Z-full', '--reason', 'a test', '--until'],
    refused: ['', 'NaN', '-90d', '0d', '90', '1e3d', ...TOO_LONG],
  },
  'schedule next --count': { words: ['--count'], refused: [...NO_COUNTS, '0', '1001', LARGE] },
  'schedule history --since': { words: ['--since'], refused: [...NO_NUMBERS, ...TOO_LONG, '0d', '401d'] },
  'schedule log --attempt': { words: ['app.full', '--attempt'], refused: [...NO_COUNTS, '0', LARGE] },
  'schedule pause --until': { words: ['app.full', '--until'], refused: ['', 'NaN', 'tomorrow', '2h', '2020-01-01'] },
  'schedule pause --for': { words: ['app.full', '--for'], refused: [...NO_NUMBERS, ...TOO_LONG, '0s', '36501d'] },
  'worker --jobs': { words: ['--jobs'], refused: [...NO_COUNTS, '0', '65', LARGE] },
  'worker --grace': { words: ['--grace'], refused: [...NO_NUMBERS, ...TOO_LONG, '8d', '25d'] },
};

let directory: string;
let config: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-options-'));
  config = path.join(directory, 'dbadmin.yaml');
  // Neither is there: whatever looks there before it has read its options fails otherwise.
  await writeFile(
    config,
    'version: 1\nclusters:\n  main:\n    url: postgresql://nobody@127.0.0.1:1/none\n    repositories: [local]\nrepositories:\n  local: { type: disk, path: ./none }\n',
    { mode: 0o600 },
  );
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

test('every number and duration that these commands take is looked at here', () => {
  const options = COMMANDS.filter(({ name }) => GROUPS.test(name)).flatMap(({ name, options: of = [] }) =>
    of.filter(({ flags }) => IS_NUMBER.test(flags)).map(({ flags }) => `${name} ${flags.split(' ')[0] ?? ''}`),
  );
  expect(options.toSorted()).toEqual(Object.keys(CASES).toSorted());
});

describe.each(Object.entries(CASES))('%s', (name, { words, refused }) => {
  test.each(refused)('does not take "%s": wrong usage, before anything is asked or written', async (value) => {
    const flag = name.slice(name.indexOf('--'));
    const command = name.slice(0, name.indexOf(' --')).split(' ');
    const last = `${words.at(-1) ?? ''}=${value}`;
    const end = await runInProcess([...command, ...words.slice(0, -1), last, '--config', config, '--yes'], { XDG_STATE_HOME: directory });
    expect(end.status, end.stderr).toBe(64);
    expect(
      [flag, `"${value}"`].some((each) => end.stderr.includes(each)),
      end.stderr,
    ).toBe(true);
  });
});
