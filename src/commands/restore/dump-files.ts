import path from 'node:path';
import { formatBytes } from '../../base/bytes.ts';
import { shellWord } from '../../base/shell-word.ts';
import { chooseDumped } from '../../backup/dump/choose-names.ts';
import { dumpFiles, layDownDump, refuseFilled } from '../../backup/dump/files-apply.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { confirmOrStop } from '../output.ts';
import { showDump, showReturning, withFoundDump } from './found-dump.ts';

const WORDS = {
  returns: 'is in it, and was taken away since',
  advice: 'nothing takes it away again: mind that where you restore these files, and as long as they lie there',
};

/** `dbadmin restore --dump LABEL --into DIR`: what pg_dump wrote, as files. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, cwd, signal } = context;
  const directory = path.resolve(cwd, textOption(input, 'into') ?? '');
  await refuseFilled(directory);
  return await withFoundDump(context, input, async (found) => {
    const { opened: repository, manifest } = found;
    const databases = chooseDumped(manifest, listOption(input, 'databases'));
    const globals = flagOption(input, 'globals');
    const what = showDump(context, manifest, directory);
    const files = dumpFiles({ manifest, databases, globals });
    for (const { name, dumped, database } of files) {
      const form = dumped.format === 'directory' ? ', a directory' : '';
      output.line(`  ${database ?? 'roles and settings, without passwords'} → ${name}${form}   ${formatBytes(dumped.sizeBytes)}`);
    }
    const back = await showReturning(context, input, found, { databases, globals }, WORDS);
    const json = {
      ...what,
      directory,
      files: files.map(({ name, dumped, database = null }) => ({
        database,
        file: path.join(directory, name),
        format: database === null ? 'plain' : (dumped.format ?? 'custom'),
      })),
      ...back,
    };
    if (flagOption(input, 'dryRun')) {
      output.result({ ...json, restored: false });
      return 0;
    }
    await confirmOrStop(output, 'Lay down these files?');
    await layDownDump({ repository, manifest, databases, globals, directory, signal });
    const [first] = files;
    output.line(`laid down; written by pg_dump ${manifest.programVersion}: a pg_restore of that major or a newer one reads it`);
    if (first !== undefined) output.line(`look into it: pg_restore --list ${shellWord(path.join(directory, first.name))}`);
    output.result({ ...json, restored: true });
    return 0;
  });
}
