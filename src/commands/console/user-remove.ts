import { DbadminError } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import { writeUsers } from '../../console/users-apply.ts';
import { readUsers } from '../../console/users-inspect.ts';
import { confirmOrStop } from '../output.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { usersFile } from './places.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const [name = ''] = input.args;
  const file = usersFile(context, input);
  const users = await readUsers(file);
  const rest = users.filter((user) => user.name !== name);
  if (rest.length === users.length) {
    throw new DbadminError('usage', `there is no user "${name}"${suggestion(name, new Set(users.map((user) => user.name)))}`);
  }
  await confirmOrStop(context.output, `Let ${name} sign in to the console no more?`);
  await writeUsers(file, rest);
  context.output.line(`${name} may not sign in any more.`);
  context.output.result({ user: name, file });
  return 0;
}
