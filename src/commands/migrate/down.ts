import type { CommandContext, CommandInput } from '../command.ts';
import { runUndo } from './undo.ts';

/** `dbadmin migrate down`: the down sections of the newest versions, newest first. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  return await runUndo(context, input, false);
}
