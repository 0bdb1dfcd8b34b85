import type { CommandContext, CommandInput } from '../command.ts';
import { runUndo } from './undo.ts';

/** `dbadmin migrate redo`: the newest versions undone, and applied again from their files. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  return await runUndo(context, input, true);
}
