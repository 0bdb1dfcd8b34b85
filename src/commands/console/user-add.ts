import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { checkPassword, hashPassword, SALT_BYTES } from '../../console/password.ts';
import { checkUserName } from '../../console/user.ts';
import { writeUsers } from '../../console/users-apply.ts';
import { readUsers } from '../../console/users-inspect.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { readUnseen } from '../read-secret.ts';
import { usersFile } from './places.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const name = checkUserName(input.args[0] ?? '');
  const role = textOption(input, 'role') === 'operator' ? 'operator' : 'viewer';
  const file = usersFile(context, input);
  const users = await readUsers(file);
  if (users.some((user) => user.name === name) && !flagOption(input, 'replace')) {
    throw new DbadminError('usage', `there is a user ${name} already`, { hint: 'Give --replace for another password or role.' });
  }
  const password = await hashPassword(checkPassword(await newPassword(context, input)), randomBytes(SALT_BYTES));
  await writeUsers(file, [...users.filter((user) => user.name !== name), { name, role, password }]);
  context.output.line(`${name} may sign in to the console as ${role}.`);
  context.output.result({ user: name, role, file });
  return 0;
}

async function newPassword(context: CommandContext, input: CommandInput): Promise<Secret> {
  const file = textOption(input, 'passwordFile');
  const variable = textOption(input, 'passwordEnv');
  if (file !== undefined && variable !== undefined) throw new DbadminError('usage', 'give one of --password-file and --password-env');
  if (variable !== undefined) return stated(context.env[variable], `environment variable ${variable}`);
  if (file !== undefined) return stated(await firstLine(path.resolve(context.cwd, file)), file);
  const typed = await readUnseen(context, 'password');
  if (typed === undefined) {
    throw new DbadminError('usage', 'there is no terminal to type a password on', {
      hint: 'Give --password-file FILE or --password-env NAME.',
    });
  }
  const again = await readUnseen(context, 'the same again');
  if (again?.reveal() !== typed.reveal()) throw new DbadminError('usage', 'the two were not the same');
  return typed;
}

function stated(text: string | undefined, from: string): Secret {
  if (text === undefined || text === '') throw new DbadminError('usage', `there is no password in ${from}`);
  return new Secret(text);
}

async function firstLine(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: `${messageOf(error)}.`, cause: error });
  }
}
