import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parseBytes } from '../../../src/base/bytes.ts';

export const GROUPS = ['full', 'incremental', 'chain', 'relations', 'memory', 'wal'] as const;
export type Group = (typeof GROUPS)[number];

export interface BenchOptions {
  readonly sizeBytes: number;
  readonly runs: number;
  readonly groups: ReadonlySet<Group>;
  readonly levels: readonly number[];
  /** Incrementals between the full and the restore that must not be slower for them. */
  readonly chainLength: number;
  /** Of that chain every so many-th incremental is restored and compared with what was there when it was taken; the last one is, anyway. */
  readonly restoreEvery: number;
  /** Transactions of each of four clients before each incremental. */
  readonly transactions: number;
  readonly relations: number;
  readonly workDirectory: string;
  /** Keeps the peers and the loaded database for the next run. */
  readonly keep: boolean;
  readonly jsonFile: string | undefined;
  /** The built dbadmin to measure. */
  readonly cli: string;
  /** Where each command of ours leaves a CPU profile; slows it, so the figures of such a run do not count. */
  readonly profileDirectory: string | undefined;
}

export const USAGE = `npm run bench:backup [-- OPTIONS]

  --size SIZE          of the pgbench database (2.3GB)
  --runs N             of each timed command; medians are shown (5)
  --rows A,B           of ${GROUPS.join(', ')} (all)
  --levels 1,3         zstd levels of the full backups
  --chain N            incrementals before the restore of the row "chain" (50)
  --restore-every N    which of those are restored and compared, too (every 10th; 1 is each, and takes hours at 10 GB)
  --transactions N     of each of 4 clients before each incremental (5000)
  --relations N        of the row "relations" (200000)
  --work DIR           on a real filesystem with room for six times the size (/var/tmp)
  --keep               leave the peers and the database there for the next run
  --json FILE          write the results
  --cli FILE           the dbadmin to measure (bin/dbadmin.cjs of this project)
  --cpu-profile DIR    a CPU profile of each command of ours; such times do not count
`;

/** The options in `args`. @throws {Error} naming what is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: text,
      runs: text,
      rows: text,
      levels: text,
      chain: text,
      'restore-every': text,
      transactions: text,
      relations: text,
      work: text,
      keep: flag,
      json: text,
      cli: text,
      'cpu-profile': text,
      help: flag,
    },
  });
  if (values.help === true) return 'help';
  // Not os.tmpdir(): that is memory on many machines, and memory has no fsync.
  const temporary = process.env['TMPDIR'] ?? (os.platform() === 'linux' ? '/var/tmp' : os.tmpdir());
  return {
    sizeBytes: parseBytes(values.size ?? '2.3GB'),
    runs: count('runs', values.runs, 5),
    groups: groupsOf(values.rows),
    levels: (values.levels ?? '1,3').split(',').map((level) => count('levels', level, 1)),
    chainLength: count('chain', values.chain, 50),
    restoreEvery: count('restore-every', values['restore-every'], 10),
    transactions: count('transactions', values.transactions, 5000),
    relations: count('relations', values.relations, 200_000),
    // One of its own even in a given one: it is removed with all that is in it.
    workDirectory: path.resolve(values.work ?? temporary, 'dbadmin-bench'),
    keep: values.keep === true,
    jsonFile: values.json === undefined ? undefined : path.resolve(values.json),
    cli: path.resolve(values.cli ?? path.join(import.meta.dirname, '../../../bin/dbadmin.cjs')),
    profileDirectory: values['cpu-profile'] === undefined ? undefined : path.resolve(values['cpu-profile']),
  };
}

function count(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a positive whole number, not "${text}"`);
  return value;
}

function groupsOf(text: string | undefined): ReadonlySet<Group> {
  const names = text?.split(',') ?? GROUPS;
  return new Set(
    names.map((name) => {
      const group = GROUPS.find((each) => each === name);
      if (group === undefined) throw new Error(`--rows takes ${GROUPS.join(', ')}, not "${name}"`);
      return group;
    }),
  );
}
