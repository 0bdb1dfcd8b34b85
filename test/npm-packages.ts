import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Programs of other people that tests and benchmarks compare with; none is a dependency of this project. */
const VERSIONS = { dbmate: '2.36.0', 'graphile-migrate': '1.4.1', 'graphile-worker': '0.18.0', 'pg-boss': '12.35.0' } as const;
export type NpmPackage = keyof typeof VERSIONS;

export interface NpmPackages {
  /** Holds `node_modules`. */
  readonly directory: string;
  /** The path of a package's command. */
  command(name: string): string;
}

/**
 * Installs packages outside of the project, once for this machine. Undefined, and said aloud, when npm cannot reach its registry.
 */
export async function installPackages(...names: readonly NpmPackage[]): Promise<NpmPackages | undefined> {
  const specs = names.map((name) => `${name}@${VERSIONS[name]}`);
  const directory = path.join(os.tmpdir(), `dbadmin-npm-${specs.join('-').replaceAll(/[^a-z0-9.]+/g, '_')}`);
  const found: NpmPackages = { directory, command: (name) => path.join(directory, 'node_modules/.bin', name) };
  if (await stat(directory).catch(() => undefined)) return found;
  const beside = await mkdtemp(`${directory}.`);
  try {
    await writeFile(path.join(beside, 'package.json'), '{ "private": true }');
    await execute('npm', ['install', '--no-audit', '--no-fund', '--silent', ...specs], { cwd: beside, timeout: 120_000 });
    await rename(beside, directory);
    return found;
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    // Another test file was first.
    if (await stat(directory).catch(() => undefined)) return found;
    console.warn(`NOT TESTED: npm cannot install ${specs.join(', ')}: ${String(error).split('\n', 1)[0] ?? ''}`);
    return undefined;
  }
}
