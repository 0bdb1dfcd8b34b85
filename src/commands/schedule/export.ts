import { DbadminError } from '../../base/errors.ts';
import { renderCrontab } from '../../schedule/crontab.ts';
import { flagOption, type CommandContext, type CommandInput } from '../command.ts';
import { commandNames, commandsOf, scheduleRunWords } from './job-commands.ts';
import { loadPolicies } from './load-policies.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  if (!flagOption(input, 'cron')) {
    throw new DbadminError('usage', 'say what to export to', { hint: 'dbadmin schedule export --cron' });
  }
  const { config, policies, localZone } = await loadPolicies(context, input);
  const { file } = config;
  if (file === undefined)
    throw new DbadminError('config-missing', 'a crontab needs a dbadmin.yaml to name', { hint: 'Make one with dbadmin init.' });
  const { COMMANDS } = await import('../catalogue.ts');
  const known = commandNames(COMMANDS);
  const crontab = renderCrontab(policies, {
    now: context.clock.now(),
    localZone,
    convert: flagOption(input, 'convert'),
    commandOf: (job) => scheduleRunWords(job, file),
    refusalOf: (job) => {
      const done = commandsOf(job, policies, known);
      return done.kind === 'refusal' ? done.reason : undefined;
    },
  });
  if (context.output.json) context.output.result(crontab);
  else context.output.raw(crontab.text);
  for (const { job, reason } of crontab.omitted) context.log.warn(`${job} is not exported: ${reason}`);
  return 0;
}
