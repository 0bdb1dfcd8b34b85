import path from 'node:path';
import { stateDirectory } from '../../base/state-directory.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';

/** The file of those who may sign in. */
export function usersFile(context: CommandContext, input: CommandInput): string {
  return placed(context, textOption(input, 'users'), 'console-users.json');
}

/** The file of what was done through the console. */
export function auditFile(context: CommandContext, input: CommandInput): string {
  return placed(context, textOption(input, 'audit'), 'console-audit.jsonl');
}

function placed({ cwd, env }: CommandContext, stated: string | undefined, name: string): string {
  return stated === undefined ? path.join(stateDirectory(env), name) : path.resolve(cwd, stated);
}
