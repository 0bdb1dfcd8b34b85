import path from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { renderCrontab } from '../../schedule/crontab.ts';
import { withAlertsCheck } from '../../schedule/export/alerts-check.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { exportKubernetes } from './export-kubernetes.ts';
import { loadExportParts, projectVariables, runWords, warnOmitted } from './export-parts.ts';
import { exportSystemd } from './export-systemd.ts';
import { exportTaskScheduler } from './export-task-scheduler.ts';

const TARGETS = { cron: '--cron', systemd: '--systemd DIR', kubernetes: '--kubernetes', taskScheduler: '--task-scheduler DIR' } as const;
/** Options that say something to some targets only. */
const BELONGS: Readonly<Record<string, readonly (keyof typeof TARGETS)[]>> = {
  convert: ['cron'],
  print: ['systemd', 'taskScheduler'],
  user: ['systemd', 'taskScheduler'],
  environmentFile: ['cron', 'systemd'],
  credential: ['systemd'],
  image: ['kubernetes'],
  namespace: ['kubernetes'],
  timeZone: ['taskScheduler'],
  program: ['cron', 'systemd', 'taskScheduler'],
};

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const target = targetOf(input);
  const into = textOption(input, target);
  if (target === 'systemd') return await exportSystemd(context, input, into ?? '');
  if (target === 'taskScheduler') return await exportTaskScheduler(context, input, into ?? '');
  if (target === 'kubernetes') return await exportKubernetes(context, input);
  return await exportCrontab(context, input);
}

function targetOf(input: CommandInput): keyof typeof TARGETS {
  const names = Object.keys(TARGETS) as (keyof typeof TARGETS)[];
  const [target, other] = names.filter((name) => input.options[name] !== undefined && input.options[name] !== false);
  if (target === undefined || other !== undefined) {
    throw new DbadminError('usage', target === undefined ? 'say what to export to' : 'a schedule is exported to one target at a time', {
      hint: `One of ${Object.values(TARGETS).join(', ')}.`,
    });
  }
  for (const [option, targets] of Object.entries(BELONGS)) {
    if (input.options[option] === undefined || input.options[option] === false || targets.includes(target)) continue;
    const flag = `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new DbadminError('usage', `${flag} goes with ${targets.map((each) => TARGETS[each]).join(' or ')}`);
  }
  return target;
}

async function exportCrontab(context: CommandContext, input: CommandInput): Promise<number> {
  const parts = await loadExportParts(context, input);
  const variables = (await projectVariables(parts)).filter(({ isNeeded }) => isNeeded).map(({ name }) => name);
  const environmentFile = textOption(input, 'environmentFile');
  const crontab = renderCrontab(withAlertsCheck(parts.policies, parts.localZone), {
    now: context.clock.now(),
    localZone: parts.localZone,
    convert: flagOption(input, 'convert'),
    commandOf: (job) => runWords(parts, job),
    variables,
    environmentFile: environmentFile === undefined ? undefined : path.resolve(context.cwd, environmentFile),
    refusalOf: parts.refusalOf,
  });
  if (context.output.json) context.output.result({ ...crontab, variables });
  else context.output.raw(crontab.text);
  warnOmitted(context, crontab.omitted);
  if (variables.length > 0 && environmentFile === undefined)
    context.log.warn(`the project takes ${variables.join(', ')} from the environment, and cron gives none: --environment-file FILE`);
  for (const { name } of parts.receptions)
    context.log.warn(
      `${name} is not in the crontab: cron keeps nothing running. Let dbadmin worker, or a service of --systemd, receive WAL`,
    );
  return 0;
}
