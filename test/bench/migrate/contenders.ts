import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../../npm-packages.ts';
import type { BenchOptions } from './options.ts';

/** A program with the same migrations in its own form. */
export interface Contender {
  readonly name: string;
  /** Where it runs. */
  readonly directory: string;
  /** Brings the database at `url` up to date. */
  command(url: string): readonly string[];
  /** What else is timed once all is applied, by name: it reads and changes nothing. */
  readonly alsoReads?: ReadonlyMap<string, readonly string[]>;
  readonly env?: (url: string) => NodeJS.ProcessEnv;
  /** Writes its configuration for the database, where it cannot be told otherwise. */
  prepare?(url: string): Promise<void>;
  /** It keeps no history: a second run would fail. */
  readonly applyOnly?: boolean;
  /** It takes so long that once must do. */
  readonly once?: boolean;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export function statementOf(number: number): string {
  return `create table m_${number} (id bigint, v text);`;
}

/** Ours first, then everybody whom this machine has. Writes all their files. */
export async function makeContenders(options: BenchOptions, size: number, psql: string | undefined): Promise<readonly Contender[]> {
  const place = path.join(options.workDirectory, String(size));
  const wants = (name: string): boolean => options.peers === undefined || options.peers.some((each) => name.startsWith(each));
  const found: Contender[] = [await ours(options, path.join(place, 'ours'), size)];
  if (wants('node-pg-migrate')) found.push(await nodePgMigrate(path.join(place, 'pgm'), size));
  const npm = wants('dbmate') || wants('graphile-migrate') ? await installPackages('dbmate', 'graphile-migrate') : undefined;
  if (npm !== undefined) {
    if (wants('dbmate')) found.push(await dbmate(npm.command('dbmate'), path.join(place, 'dbmate'), size));
    if (wants('graphile-migrate')) found.push(await graphileMigrate(npm.command('graphile-migrate'), path.join(place, 'graphile'), size));
  }
  if (psql !== undefined && wants('psql')) found.push(...(await psqlContenders(psql, path.join(place, 'psql'), size, options)));
  return found;
}

async function writeEach(
  directory: string,
  size: number,
  name: (number: string) => string,
  text: (number: number) => string,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (let number = 1; number <= size; number += 1) await writeFile(path.join(directory, name(padded(number))), text(number));
}

function padded(number: number): string {
  return String(number).padStart(6, '0');
}

async function ours(options: BenchOptions, directory: string, size: number): Promise<Contender> {
  await writeEach(
    path.join(directory, 'sql/migrations'),
    size,
    (number) => `${number}_m.sql`,
    (number) => `${statementOf(number)}\n`,
  );
  const profile = options.profileDirectory;
  const program = [process.execPath, ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]), options.cli, 'migrate'];
  return {
    name: 'dbadmin',
    directory,
    prepare: async (url) => await writeFile(path.join(directory, 'dbadmin.yaml'), `version: 1\nclusters:\n  main: { url: "${url}" }\n`),
    command: () => [...program, 'up', '--no-restore-point', '--no-schema-file', '--quiet'],
    alsoReads: new Map([
      ['status', [...program, 'status', '--quiet']],
      ['lint', [...program, 'lint', '--offline']],
    ]),
  };
}

async function nodePgMigrate(directory: string, size: number): Promise<Contender> {
  await writeEach(
    path.join(directory, 'migrations'),
    size,
    (number) => `${number}_m.sql`,
    (number) => `${statementOf(number)}\n`,
  );
  const cli = path.join(ROOT, 'node_modules/node-pg-migrate/bin/node-pg-migrate.js');
  return {
    name: 'node-pg-migrate',
    directory,
    // In one transaction, its default, 10,000 tables are more locks than a server has.
    command: () => [process.execPath, cli, 'up', '--no-single-transaction', '-m', 'migrations'],
    env: (url) => ({ ...process.env, DATABASE_URL: url }),
  };
}

async function dbmate(program: string, directory: string, size: number): Promise<Contender> {
  const text = (number: number): string => `-- migrate:up\n${statementOf(number)}\n\n-- migrate:down\n`;
  await writeEach(path.join(directory, 'db/migrations'), size, (number) => `${number}_m.sql`, text);
  return { name: 'dbmate', directory, command: (url) => [program, '--no-dump-schema', '--url', `${url}?sslmode=disable`, 'migrate'] };
}

async function graphileMigrate(program: string, directory: string, size: number): Promise<Contender> {
  let previous = '';
  await writeEach(
    path.join(directory, 'migrations/committed'),
    size,
    (number) => `${number}.sql`,
    (number) => {
      const hash = `sha1:${createHash('sha1')
        .update(`${`${previous}\n${statementOf(number)}`.trim()}\n`)
        .digest('hex')}`;
      const header = `--! Previous: ${previous === '' ? '-' : previous}\n--! Hash: ${hash}\n\n`;
      previous = hash;
      return `${header}${statementOf(number)}\n`;
    },
  );
  await writeFile(path.join(directory, '.gmrc'), '{}');
  return {
    name: 'graphile-migrate',
    directory,
    command: () => [process.execPath, program, 'migrate'],
    env: (url) => ({ ...process.env, DATABASE_URL: url }),
  };
}

async function psqlContenders(psql: string, directory: string, size: number, { fileByFile }: BenchOptions): Promise<readonly Contender[]> {
  await mkdir(directory, { recursive: true });
  const numbers = Array.from({ length: size }, (_, index) => index + 1);
  await writeFile(path.join(directory, 'all.sql'), `${numbers.map(statementOf).join('\n')}\n`);
  const quiet = '-Xqd';
  const one: Contender = { name: 'psql, one file', directory, applyOnly: true, command: (url) => [psql, quiet, url, '-f', 'all.sql'] };
  if (!fileByFile) return [one];
  await writeEach(
    path.join(directory, 'each'),
    size,
    (number) => `${number}.sql`,
    (number) => `${statementOf(number)}\n`,
  );
  const loop = 'for file in each/*.sql; do "$0" -Xq1d "$1" -f "$file" || exit 1; done';
  return [one, { name: 'psql, file by file', directory, applyOnly: true, once: true, command: (url) => ['sh', '-c', loop, psql, url] }];
}
