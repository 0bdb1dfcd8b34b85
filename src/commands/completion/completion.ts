import { DbadminError } from '../../base/errors.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { commandWords } from './words.ts';
import { zshCompletion } from './zsh.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `dbadmin completion SHELL`: prints the script, made from the catalogue of commands. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const [shell = ''] = input.args;
  const make = Object.entries(SHELLS).find(([name]) => name === shell)?.[1];
  if (make === undefined) throw new DbadminError('usage', `completion is for ${Object.keys(SHELLS).join(', ')}, not "${shell}"`);
  const { COMMANDS } = await import('../catalogue.ts');
  const script = make(commandWords(COMMANDS));
  if (context.output.json) context.output.result({ shell, script });
  else context.output.raw(script);
  return 0;
}
