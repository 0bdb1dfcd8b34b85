import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findClientProgram } from '../../src/postgres/programs.ts';

const execute = promisify(execFile);

/**
 * The directory src/test/regress of PostgreSQL's source, with sql/, data/ and parallel_schedule. `wanted` is what DBADMIN_TEST_REGRESSION
 * says: 1 gets the source of postgresql-15 with apt-get into `directory`, anything else is such a directory, of whatever version.
 */
export async function fetchRegression(wanted: string, directory: string): Promise<string> {
  return wanted === '1' ? await fetchSource(directory) : path.resolve(wanted);
}

async function fetchSource(directory: string): Promise<string> {
  for (const below of ['lists/partial', 'cache/archives/partial', 'sources']) await mkdir(path.join(directory, below), { recursive: true });
  await writeFile(path.join(directory, 'sources/debian.sources'), await sourcePackages());
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${directory}/sources`,
    `Dir::State::lists=${directory}/lists`,
    `Dir::Cache=${directory}/cache`,
  ];
  const apt = async (...args: readonly string[]): Promise<void> => {
    await execute('apt-get', [...options.flatMap((option) => ['-o', option]), ...args], { cwd: directory, maxBuffer: 1 << 26 });
  };
  await apt('update');
  await apt('source', '--download-only', 'postgresql-15');
  const archive = (await readdir(directory)).find((name) => name.includes('.orig.tar'));
  await execute('tar', ['-xf', archive ?? '', '--wildcards', '*/src/test/regress/*'], { cwd: directory });
  const [source = ''] = (await readdir(directory)).filter((name) => /^postgresql-15\.\d+$/.test(name));
  await execute('chmod', ['-R', 'a+rX', directory]);
  return path.join(directory, source, 'src/test/regress');
}

/** This machine's own sources of Debian packages, for the sources of those. */
async function sourcePackages(): Promise<string> {
  const directory = '/etc/apt/sources.list.d';
  const texts = (await readdir(directory))
    .filter((name) => name.endsWith('.sources'))
    .map(async (name) => await readFile(path.join(directory, name), 'utf8'));
  const paragraphs = (await Promise.all(texts)).flatMap((text) => text.split(/\n\s*\n/));
  return paragraphs
    .filter((each) => /^URIs:.*\/debian\/?$/m.test(each))
    .map((each) => each.replace(/^Types:.*$/m, 'Types: deb-src'))
    .join('\n\n');
}

/** The names of its scripts, in their order. */
export async function regressionScripts(regress: string): Promise<readonly string[]> {
  const schedule = await readFile(path.join(regress, 'parallel_schedule'), 'utf8');
  return [...schedule.matchAll(/^test: (.+)$/gm)].flatMap((match) => (match[1] ?? '').split(/\s+/)).filter((name) => name !== '');
}

export interface RegressionRun {
  readonly regress: string;
  readonly names: readonly string[];
  readonly url: string;
  /** For their files; the server may read it. */
  readonly directory: string;
  /** What is run in place of a script's text. */
  readonly changed?: (name: string, text: string) => string;
}

/** Runs scripts one after the other. Much of them is meant to fail, or fails because the server is of another version or lacks regress.so. */
export async function runRegression({ regress, names, url, directory, changed }: RegressionRun): Promise<void> {
  const psql = await findClientProgram('psql', { atLeastMajor: 14 }, process.env);
  const env = {
    ...process.env,
    PG_ABS_SRCDIR: regress,
    PG_ABS_BUILDDIR: directory,
    PG_LIBDIR: '/nowhere',
    PG_DLSUFFIX: '.so',
    PGTZ: 'America/Los_Angeles',
    PGDATESTYLE: 'Postgres, MDY',
  };
  for (const name of names) {
    const text = await readFile(path.join(regress, 'sql', `${name}.sql`), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const file = path.join(directory, `${name}.sql`);
    await writeFile(file, changed?.(name, text) ?? text);
    await execute(psql.path, ['-Xqa', '-d', url, '-f', file], { env, timeout: 120_000, maxBuffer: 1 << 28 }).catch(() => undefined);
  }
}
