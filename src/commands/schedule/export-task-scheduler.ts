import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { writeWholeFile } from '../../base/whole-file.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { withAlertsCheck } from '../../schedule/export/alerts-check.ts';
import { scheduledTasks } from '../../schedule/export/task-scheduler.ts';
import { isTimeZone } from '../../schedule/recurrence.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadExportParts, printFiles, projectVariables, receiveWords, runWords, warnOmitted } from './export-parts.ts';

/** Writes one definition a task: Windows registers them one by one. */
export async function exportTaskScheduler(context: CommandContext, input: CommandInput, into: string): Promise<number> {
  const { output } = context;
  const parts = await loadExportParts(context, input);
  const localZone = textOption(input, 'timeZone') ?? parts.localZone;
  if (!isTimeZone(localZone)) throw new DbadminError('usage', `--time-zone takes an IANA name such as Europe/Berlin, not "${localZone}"`);
  const directory = path.resolve(context.cwd, into);
  const { files, omitted } = scheduledTasks(withAlertsCheck(parts.policies, localZone), {
    ...parts,
    now: context.clock.now(),
    localZone,
    commandOf: (job) => runWords(parts, job),
    receiveCommandOf: (reception) => receiveWords(parts, reception),
    directory: parts.config.directory,
    user: textOption(input, 'user'),
  });
  if (flagOption(input, 'print')) {
    printFiles(context, files);
    warnOmitted(context, omitted);
    output.result({ directory, files: [...files.keys()], timeZone: localZone, omitted, texts: Object.fromEntries(files) });
    return 0;
  }
  await makeDirectories(directory);
  for (const [name, text] of files) await writeWholeFile(path.join(directory, name), `\u{FEFF}${text}`, 0o644, 'utf16le');
  for (const name of files.keys()) output.line(path.join(directory, name));
  warnOmitted(context, omitted);
  const needed = (await projectVariables(parts)).filter(({ isNeeded }) => isNeeded).map(({ name }) => name);
  if (needed.length > 0)
    output.line(
      `the project takes ${needed.join(', ')} from the environment: set them for the account that runs the tasks, or use { from: file }`,
    );
  output.line(`then, in ${directory} as administrator:  for %f in (dbadmin-*.xml) do schtasks /create /tn dbadmin\\%~nf /xml %f`);
  output.result({ directory, files: [...files.keys()], timeZone: localZone, omitted });
  return 0;
}
