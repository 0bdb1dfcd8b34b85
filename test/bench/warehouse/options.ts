import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Plays of the large warehouse. */
  readonly plays: number;
  /** Rows of each file that lands. */
  readonly rows: number;
  readonly runs: number;
  readonly major: number;
  /** Groups of figures; all without any. */
  readonly only: readonly string[];
  readonly workDirectory: string;
  readonly jsonFile: string | undefined;
}

export const USAGE = `npm run bench:warehouse [-- OPTIONS]

  --plays N      plays of the warehouse that refreshes and questions are timed on (1000000)
  --rows N       rows of each history that lands (300000)
  --runs N       of each timed piece of work; medians are shown (5)
  --only LIST    some groups of figures: raw-load, core-load, refresh, report, recommend
  --major N      of the server (17)
  --work DIR     for the generated files (/var/tmp)
  --json FILE    write the results

taskset -c 0 npm run bench:warehouse puts loader and server on one core.
`;

/** The options in `args`. @throws {Error} naming what is wrong. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { plays: text, rows: text, runs: text, only: text, major: text, work: text, json: text, help: { type: 'boolean' } },
  });
  if (values.help === true) return 'help';
  const temporary = process.env['TMPDIR'] ?? (os.platform() === 'linux' ? '/var/tmp' : os.tmpdir());
  return {
    plays: count('plays', values.plays ?? '1000000'),
    rows: count('rows', values.rows ?? '300000'),
    runs: count('runs', values.runs ?? '5'),
    major: count('major', values.major ?? '17'),
    only: values.only === undefined ? [] : values.only.split(','),
    workDirectory: path.resolve(values.work ?? temporary, 'dbadmin-bench-warehouse'),
    jsonFile: values.json === undefined ? undefined : path.resolve(values.json),
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a positive whole number, not "${text}"`);
  return value;
}
