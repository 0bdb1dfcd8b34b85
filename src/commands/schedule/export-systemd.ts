import { readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { writeWholeFile } from '../../base/whole-file.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { withAlertsCheck } from '../../schedule/export/alerts-check.ts';
import { systemdMark, systemdUnits } from '../../schedule/export/systemd.ts';
import { spoolDirectories } from '../../schedule/policies.ts';
import { flagOption, listOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import {
  diskRepositories,
  loadExportParts,
  printFiles,
  projectVariables,
  receiveWords,
  runWords,
  warnOmitted,
  type ExportParts,
} from './export-parts.ts';

/** Writes services and timers into a directory, and takes away those of this project whose jobs are gone. */
export async function exportSystemd(context: CommandContext, input: CommandInput, into: string): Promise<number> {
  const parts = await loadExportParts(context, input);
  const { configFile, config } = parts;
  const directory = path.resolve(context.cwd, into);
  const credentials = listOption(input, 'credential');
  const wrong = credentials.find((each) => !/^[\w.-]+:\/.+$/.test(each));
  if (wrong !== undefined) throw new DbadminError('usage', `--credential takes NAME:/absolute/file, not "${wrong}"`);
  const disks = diskRepositories(parts);
  const { files, enable, omitted } = systemdUnits(withAlertsCheck(parts.policies, 'UTC'), {
    ...parts,
    now: context.clock.now(),
    commandOf: (job) => runWords(parts, job),
    receiveCommandOf: (reception) => receiveWords(parts, reception),
    directory: config.directory,
    user: textOption(input, 'user') ?? os.userInfo().username,
    environmentFile: textOption(input, 'environmentFile'),
    credentials,
    writable: [...disks.map((disk) => disk.path), ...spoolsOf(parts)],
    sharesTmp: sharesTmp(parts),
  });
  if (flagOption(input, 'print')) {
    printFiles(context, files);
    warnOmitted(context, omitted);
    context.output.result({ directory, files: [...files.keys()], removed: [], enable, omitted, texts: Object.fromEntries(files) });
    return 0;
  }
  const before = await unitsThere(directory, configFile, new Set(files.keys()));
  await makeDirectories(directory);
  for (const [name, text] of files) await writeWholeFile(path.join(directory, name), text, 0o644);
  for (const name of before) await rm(path.join(directory, name));
  for (const name of files.keys()) context.output.line(path.join(directory, name));
  for (const name of before) context.output.line(`${path.join(directory, name)} removed: the schedule has no such job`);
  warnOmitted(context, omitted);
  await tellNext(context, input, parts, { enable, gone: before });
  context.output.result({ directory, files: [...files.keys()], removed: before, enable, omitted });
  return 0;
}

/** Units of this project that the plan has no more. Files of the plan that are somebody else's are not written over. */
async function unitsThere(directory: string, configFile: string, wanted: ReadonlySet<string>): Promise<readonly string[]> {
  const gone: string[] = [];
  for (const name of await namesIn(directory)) {
    if (!/^dbadmin-.*\.(service|timer)$/.test(name)) continue;
    const isOurs = (await readFile(path.join(directory, name), 'utf8')).startsWith(`${systemdMark(configFile)}\n`);
    if (isOurs && !wanted.has(name)) gone.push(name);
    if (!isOurs && wanted.has(name)) {
      throw new DbadminError('refused', `${path.join(directory, name)} was not written for this project`, {
        detail: `Its first line does not name ${configFile}.`,
        hint: 'Move it away, or export into another directory.',
      });
    }
  }
  return gone;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unreadable', `cannot read ${directory}`, { detail: messageOf(error), cause: error });
  }
}

async function tellNext(
  { output }: CommandContext,
  input: CommandInput,
  parts: ExportParts,
  { enable, gone }: { readonly enable: readonly string[]; readonly gone: readonly string[] },
): Promise<void> {
  const environmentFile = textOption(input, 'environmentFile');
  const needed = (await projectVariables(parts)).filter(({ isNeeded }) => isNeeded).map(({ name }) => name);
  if (needed.length > 0) {
    output.line(
      environmentFile === undefined
        ? `the project takes ${needed.join(', ')} from the environment, and a service has none: --environment-file /etc/dbadmin/environment`
        : `${environmentFile} has to give ${needed.join(', ')}, and be readable by root alone (mode 600)`,
    );
  }
  if (gone.length > 0) output.line(`stop what is gone:  systemctl disable --now ${gone.join(' ')}`);
  output.line(`then:  systemctl daemon-reload && systemctl enable --now ${enable.join(' ')}`);
}

/** Where dumps lie until they are stored, but for a directory for temporary files itself: of these each service has its own. */
function spoolsOf({ policies }: ExportParts): readonly string[] {
  return spoolDirectories(policies).filter((spool) => !/^(\/var)?\/tmp$/.test(spool));
}

/** A private /tmp would hide what others have there. */
function sharesTmp(parts: ExportParts): boolean {
  const hosts = [...parts.config.clusters.values()].flatMap(({ connection, replication }) => [...connection.hosts, ...replication.hosts]);
  const places = [
    ...hosts.map(({ host }) => host),
    ...diskRepositories(parts).map((disk) => disk.path),
    ...spoolsOf(parts),
    parts.config.directory,
  ];
  return places.some((place) => /^(\/var)?\/tmp(\/|$)/.test(place));
}
