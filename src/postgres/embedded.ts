import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, lstat, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { makeDirectories } from '../base/make-directories.ts';
import { unprivilegedUser, type ServerPrograms } from './server.ts';

/** The majors that npm packages of server programs exist for. */
export const EMBEDDED_MAJORS = [14, 15, 16, 17, 18] as const;

/** Whether the npm package with the server programs of `major` is installed beside this code for this platform. */
export function hasEmbedded(major: number): boolean {
  return packageDirectory(major) !== undefined;
}

/**
 * The server programs of `major` from the npm package, ready to run.
 *
 * They are copied once for each version of the package, because one below a directory that only root may enter cannot be run by
 * another user, and npm does not keep symbolic links.
 *
 * @throws {DbadminError} `program-missing` when the package is not installed, `file-unwritable` where they cannot be copied to.
 */
export async function embeddedPrograms(major: number, cacheDirectory = defaultCacheDirectory()): Promise<ServerPrograms> {
  const source = packageDirectory(major);
  if (source === undefined) {
    throw new DbadminError('program-missing', `no server programs of PostgreSQL ${major} for ${process.platform}-${process.arch}`, {
      hint: 'Install that major from your distribution, or run npm ci in a clone of dbadmin without --omit=optional.',
    });
  }
  const runAs = await unprivilegedUser(['nobody']);
  const manifest = await readFile(path.join(source, 'package.json'));
  const name = `postgres-${major}-${createHash('sha256').update(manifest).digest('hex').slice(0, 12)}`;
  const target = path.join(cacheDirectory, name);
  try {
    if (!(await isOurs(target))) await copyPrograms(path.join(source, 'native'), target);
  } catch (error) {
    // As for a user of a service, whose home is none.
    throw new DbadminError('file-unwritable', `cannot keep the server programs of PostgreSQL ${major} in ${cacheDirectory}`, {
      detail: `${messageOf(error)}.`,
      hint: 'They are copied there once, to be run: name a directory that you may write with XDG_CACHE_HOME, or install that major.',
      cause: error,
    });
  }
  return { major, binDirectory: path.join(target, 'bin'), runAs };
}

function packageDirectory(major: number): string | undefined {
  const name = `pg${major}-${process.platform}-${process.arch}`;
  // Looked for by path: the packages export none of their files.
  const places = createRequire(import.meta.url).resolve.paths(name) ?? [];
  return places.map((place) => path.join(place, name)).find((directory) => existsSync(path.join(directory, 'native', 'bin')));
}

/** `/var/cache/dbadmin` for root, whose own home nobody else may enter; else the user's cache directory. */
export function defaultCacheDirectory(): string {
  if (process.getuid?.() === 0) return '/var/cache/dbadmin';
  return path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'dbadmin');
}

/** There, and owned by us: programs left by somebody else are never run. */
async function isOurs(directory: string): Promise<boolean> {
  try {
    return (await stat(directory)).uid === process.getuid?.();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function copyPrograms(source: string, target: string): Promise<void> {
  await makeDirectories(path.dirname(target), 0o755);
  const beside = `${target}.${process.pid}.tmp`;
  await rm(beside, { recursive: true, force: true });
  await cp(source, beside, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(await readFile(path.join(source, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const place = path.join(beside, path.relative('native', link.target));
    if ((await lstat(place).catch(() => undefined)) !== undefined) continue;
    await symlink(path.relative(path.dirname(link.target), link.source), place);
  }
  try {
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (!(await isOurs(target))) throw error;
  }
}
