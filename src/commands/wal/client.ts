import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { clientScript } from '../../backup/wal/client-script.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { programFile } from '../schedule/job-commands.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, cluster } = await loadProject(context, input);
  const socket = textOption(input, 'socket');
  if (socket === undefined) throw new DbadminError('usage', 'wal client needs --socket, the path that wal receive --serve was given');
  if (config.file === undefined) {
    throw new DbadminError('config-missing', 'the client needs a dbadmin.yaml to name, since the server runs it elsewhere', {
      hint: 'Make one with dbadmin init.',
    });
  }
  const script = clientScript({
    socketPath: path.resolve(context.cwd, socket),
    clusterName: cluster.name,
    dbadmin: [process.execPath, programFile()],
    options: ['--config', config.file, '--cluster', cluster.name],
  });
  const install = textOption(input, 'install');
  if (install === undefined) {
    context.output.raw(script);
    return 0;
  }
  const file = path.resolve(context.cwd, install);
  await writeProgram(file, script);
  context.output.line(`${file} written`);
  context.output.line(`  archive_command = '${file} push %p'`);
  context.output.line(`  restore_command = '${file} get %f %p'`);
  context.output.result({ file });
  return 0;
}

/** Beside and renamed: the server may run it in this moment. */
async function writeProgram(file: string, script: string): Promise<void> {
  const beside = `${file}.dbadmin-tmp`;
  try {
    await writeFile(beside, script);
    await chmod(beside, 0o755);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw new DbadminError('file-unwritable', `cannot write ${file}`, { detail: messageOf(error), cause: error });
  }
}
