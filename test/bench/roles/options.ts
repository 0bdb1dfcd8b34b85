import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** How many tables. */
  readonly sizes: readonly number[];
  readonly runs: number;
  readonly major: number;
  /** How many tables are named one by one. */
  readonly named: number;
  readonly workDirectory: string;
  readonly jsonFile: string | undefined;
  /** The built dbadmin to measure. */
  readonly cli: string;
}

export const USAGE = `npm run bench:roles [-- OPTIONS]

  --tables 50000,100000  how many tables (both)
  --named N              tables that one apply names one by one, each of them locked on 18 (20000)
  --runs N               of each timed command; medians are shown (5)
  --major N              of the server (18)
  --work DIR             for the roles files (/var/tmp)
  --json FILE            write the results
  --cli FILE             the dbadmin to measure (bin/dbadmin.cjs of this project)
`;

/** The options in `args`. @throws {Error} naming what is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { tables: text, named: text, runs: text, major: text, work: text, json: text, cli: text, help: { type: 'boolean' } },
  });
  if (values.help === true) return 'help';
  const temporary = process.env['TMPDIR'] ?? (os.platform() === 'linux' ? '/var/tmp' : os.tmpdir());
  return {
    sizes: (values.tables ?? '50000,100000').split(',').map((size) => count('tables', size)),
    runs: count('runs', values.runs ?? '5'),
    major: count('major', values.major ?? '18'),
    named: count('named', values.named ?? '20000'),
    workDirectory: path.resolve(values.work ?? temporary, 'dbadmin-bench-roles'),
    jsonFile: values.json === undefined ? undefined : path.resolve(values.json),
    cli: path.resolve(values.cli ?? path.join(import.meta.dirname, '../../../bin/dbadmin.cjs')),
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes positive whole numbers, not "${text}"`);
  return value;
}
