import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { observe, readFiles } from '../../migrate/inspect.ts';
import { planRebase, requiringFiles, type Renaming } from '../../migrate/repair/rebase-plan.ts';
import { writeLock } from '../../migrate/schema/lock-file-apply.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { confirmOrStop } from '../output.ts';
import { count, loadMigrations, withSession } from './load-migrations.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const project = await loadMigrations(context, input);
  const files = await readFiles(project.directories);
  const observed = await withSession(context, project, async (session) => await observe(session, project.config.migrate.schema, files));
  const renamings = planRebase(observed, clock.now());
  if (renamings.length === 0) output.line('every pending file comes after those that are applied; nothing to rename');
  else {
    for (const { from, to } of renamings) output.line(`  ${from.name.file} → ${to}`);
    for (const file of requiringFiles(renamings, files.migrations))
      output.warn(`${file} requires a version that is renamed: change it there`);
    output.note('A file that is applied to any other database must keep its version: there it would run again.');
    await confirmOrStop(output, `Rename ${count(renamings.length, 'file')}?`);
    for (const each of renamings) await renameOne(each);
    await writeLock(project.directories, await readFiles(project.directories));
    output.line(`${count(renamings.length, 'file')} renamed; apply with: dbadmin migrate`);
  }
  output.result({ renamed: renamings.map(({ from, to, version }) => ({ from: from.name.file, to, version })) });
  return 0;
}

async function renameOne({ from, location }: Renaming): Promise<void> {
  if (
    await stat(location).then(
      () => true,
      () => false,
    )
  )
    throw new DbadminError('file-unwritable', `${path.basename(location)} is there already`);
  try {
    await rename(from.file.location, location);
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot rename ${from.file.path}`, { detail: messageOf(error), cause: error });
  }
}
