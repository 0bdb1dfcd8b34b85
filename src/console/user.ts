import { z } from 'zod';
import { DbadminError } from '../base/errors.ts';

/** What somebody may do in the console: a viewer sees everything, an operator also acts. */
export const CONSOLE_ROLES = ['viewer', 'operator'] as const;
export type ConsoleRole = (typeof CONSOLE_ROLES)[number];

/** Somebody who may sign in. */
export interface ConsoleUser {
  readonly name: string;
  readonly role: ConsoleRole;
  /** As {@link hashPassword} gives it: `scrypt$N$r$p$salt$key`. */
  readonly password: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;

const usersFile = z.strictObject({
  version: z.literal(1),
  users: z.array(
    z.strictObject({
      name: z.string().regex(NAME),
      role: z.enum(CONSOLE_ROLES),
      password: z.string().startsWith('scrypt$'),
    }),
  ),
});

/**
 * The users that a file of them names.
 *
 * @throws {DbadminError} `config-invalid` when it is damaged or names somebody twice.
 */
export function parseUsers(text: string, file: string): readonly ConsoleUser[] {
  const parsed = usersFile.safeParse(jsonOf(text));
  if (!parsed.success) {
    const first = parsed.error.issues[0];
    throw new DbadminError('config-invalid', `${file} is no file of console users`, {
      detail: first === undefined ? undefined : `${first.path.join('.') || 'the document'}: ${first.message}.`,
      hint: 'Move it away and add the users anew: dbadmin console user add NAME.',
    });
  }
  const { users } = parsed.data;
  const twice = users.find(({ name }, index) => users.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) throw new DbadminError('config-invalid', `${file} names user ${twice.name} twice`);
  return users;
}

/** The text of a file with these users, in the order of their names. */
export function formatUsers(users: readonly ConsoleUser[]): string {
  const sorted = users.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return `${JSON.stringify({ version: 1, users: sorted }, undefined, 2)}\n`;
}

/**
 * A name as somebody typed it, when it is one.
 *
 * @throws {DbadminError} `usage`.
 */
export function checkUserName(name: string): string {
  if (NAME.test(name)) return name;
  throw new DbadminError('usage', `"${name}" is not a name for a console user`, {
    hint: 'Up to 63 letters, digits and . _ @ - with a letter or digit first.',
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
