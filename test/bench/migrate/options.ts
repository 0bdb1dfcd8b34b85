import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** How many files, one group of rows for each. */
  readonly sizes: readonly number[];
  readonly runs: number;
  readonly workDirectory: string;
  readonly jsonFile: string | undefined;
  /** The built dbadmin to measure. */
  readonly cli: string;
  /** Also a psql for each file, which takes minutes. */
  readonly fileByFile: boolean;
  /** The others to measure, by the beginning of their names; undefined: everybody whom this machine has. */
  readonly peers: readonly string[] | undefined;
  /** Where each command of ours leaves a CPU profile; slows it, so the figures of such a run do not count. */
  readonly profileDirectory: string | undefined;
}

export const USAGE = `npm run bench:migrate [-- OPTIONS]

  --files 1000,10000   how many migrations (both)
  --runs N             of each timed command; medians are shown (5)
  --peers psql,dbmate  only these beside ours (all)
  --no-file-by-file    leave out the one run of a psql for each file, which takes minutes
  --work DIR           for the files of the contenders (/var/tmp)
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
    allowNegative: true,
    options: {
      files: text,
      runs: text,
      work: text,
      json: text,
      cli: text,
      peers: text,
      'file-by-file': flag,
      'cpu-profile': text,
      help: flag,
    },
  });
  if (values.help === true) return 'help';
  // Not os.tmpdir(): that is memory on many machines.
  const temporary = process.env['TMPDIR'] ?? (os.platform() === 'linux' ? '/var/tmp' : os.tmpdir());
  return {
    sizes: (values.files ?? '1000,10000').split(',').map((size) => count('files', size)),
    runs: count('runs', values.runs ?? '5'),
    workDirectory: path.resolve(values.work ?? temporary, 'dbadmin-bench-migrate'),
    jsonFile: values.json === undefined ? undefined : path.resolve(values.json),
    cli: path.resolve(values.cli ?? path.join(import.meta.dirname, '../../../bin/dbadmin.cjs')),
    peers: values.peers?.split(','),
    fileByFile: values['file-by-file'] !== false,
    profileDirectory: values['cpu-profile'] === undefined ? undefined : path.resolve(values['cpu-profile']),
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes positive whole numbers, not "${text}"`);
  return value;
}
