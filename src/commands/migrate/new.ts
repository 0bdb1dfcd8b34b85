import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { readFiles } from '../../migrate/inspect.ts';
import { compareVersions, nextVersion, parseMigrationName, titleOf } from '../../migrate/files/names.ts';
import { writeLock } from '../../migrate/schema/lock-file-apply.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadMigrations } from './load-migrations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const { directories } = await loadMigrations(context, input);
  const title = titleOf(input.args.join(' '));
  const newest = await newestVersion(directories.migrations);
  const version = nextVersion(clock.now(), newest);
  const file = path.join(directories.migrations, `${version}_${title}.sql`);
  await writeNew(file, template(title, input.options['transaction'] !== false));
  await writeLock(directories, await readFiles(directories));
  output.line(path.relative(context.cwd, file));
  output.note('Write the SQL, then look at it with: dbadmin migrate plan');
  output.result({ file, version });
  return 0;
}

function template(title: string, transaction: boolean): string {
  const first = transaction ? [] : ['-- dbadmin: no-transaction'];
  return [...first, `-- ${title.replaceAll(/[_-]+/g, ' ')}`, '', ''].join('\n');
}

async function newestVersion(directory: string): Promise<string | undefined> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unreadable', `cannot read ${directory}`, { detail: messageOf(error), cause: error });
  });
  const versions = names.filter((name) => name.endsWith('.sql')).flatMap((name) => versionOf(name) ?? []);
  return versions.sort(compareVersions).at(-1);
}

function versionOf(name: string): string | undefined {
  try {
    return parseMigrationName(name).version;
  } catch (error) {
    if (isDbadminError(error)) return undefined;
    throw error;
  }
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await makeDirectories(path.dirname(file));
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    // Opened and not written, it would be a file without a statement, which up refuses.
    if (systemCodeOf(error) !== 'EEXIST') await rm(file, { force: true }).catch(() => undefined);
    throw new DbadminError('file-unwritable', `cannot make ${file}`, { detail: messageOf(error), cause: error });
  }
}
