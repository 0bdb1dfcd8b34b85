import { readUsers } from '../../console/users-inspect.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { usersFile } from './places.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const file = usersFile(context, input);
  const users = (await readUsers(file)).map(({ name, role }) => ({ name, role }));
  if (users.length === 0) output.line(`Nobody yet; add somebody: dbadmin console user add NAME`);
  else
    output.table(
      ['user', 'role'],
      users.map(({ name, role }) => [name, role]),
    );
  output.result({ users, file });
  return 0;
}
