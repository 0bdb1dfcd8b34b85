import { randomBytes } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { ConsoleConfig } from '../../config/config.ts';
import { OidcProvider } from '../../console/oidc-run.ts';
import { hashPassword, SALT_BYTES } from '../../console/password.ts';
import { isLoopback } from '../../console/request-guard.ts';
import { Sessions } from '../../console/sessions.ts';
import type { OidcDoorOptions } from '../../console/oidc-door.ts';
import { SignInLimit } from '../../console/sign-in-limit.ts';
import { readUsers } from '../../console/users-inspect.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { usersFile } from './places.ts';
import { reachedAt, refuseOpenDoor, type Where } from './where.ts';

const CODE_BYTES = 24;

export type Door = Pick<OidcDoorOptions, 'reached' | 'sessions' | 'provider' | 'limit' | 'users' | 'startCode' | 'decoy'>;

/**
 * Who may come in, and how.
 *
 * @throws {DbadminError} `refused` when nobody may, or anybody could.
 */
export async function doorOf(context: CommandContext, input: CommandInput, where: Where): Promise<Door> {
  const { clock } = context;
  const users = usersFile(context, input);
  const hasUsers = (await readUsers(users)).length > 0;
  const { oidc, session } = await consoleConfig(context, input);
  // A name typed wrong must not open the door that is there for a console without users.
  if (!hasUsers && textOption(input, 'users') !== undefined)
    throw new DbadminError('refused', `nobody may sign in by ${users}`, {
      hint: 'Add somebody: dbadmin console user add NAME --users FILE.',
    });
  refuseOpenDoor(where, hasUsers || oidc !== undefined);
  const hasLink = !hasUsers && isLoopback(where.host) && !where.isBehindProxy;
  return {
    reached: reachedAt(where),
    sessions: new Sessions(clock, randomBytes, session),
    provider: oidc === undefined ? undefined : new OidcProvider(oidc, clock),
    limit: new SignInLimit(clock),
    users: async () => await readUsers(users),
    startCode: hasLink ? new Secret(randomBytes(CODE_BYTES).toString('base64url')) : undefined,
    decoy: await hashPassword(new Secret(randomBytes(CODE_BYTES).toString('hex')), randomBytes(SALT_BYTES)),
  };
}

/** What there is to warn of in the file is said where the rest of it is read. */
async function consoleConfig(context: CommandContext, input: CommandInput): Promise<ConsoleConfig> {
  const { config } = await loadProject({ ...context, log: { ...context.log, warn: () => undefined } }, input);
  return config.console;
}
