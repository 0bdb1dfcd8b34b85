import { DbadminError } from '../../base/errors.ts';
import { DEFAULT_LIMITS } from '../../spotify/api/retry.ts';
import type { Asking } from '../../spotify/api/http-run.ts';
import { endOfSignIn, type SignIn } from '../../spotify/auth/sign-in.ts';
import { listSignIns, readSignIn, type SignInPlaces } from '../../spotify/auth/sign-in-apply.ts';
import type { CommandContext } from '../command.ts';

const WARN_BEFORE_MS = 30 * 86_400_000;

/** What asking a server needs of the command's world. */
export function askingOf(context: CommandContext): Asking {
  const { clock, log, signal } = context;
  return { clock, log, signal, random: Math.random, limits: DEFAULT_LIMITS };
}

/**
 * The sign-in of the listener named, or the only one there is; warns when it will end soon.
 *
 * @throws {DbadminError} `sign-in-needed` when there is none, `usage` when there are several.
 */
export async function chooseSignIn(context: CommandContext, places: SignInPlaces, listener: string | undefined): Promise<SignIn> {
  const chosen = await readSignIn(places, listener ?? (await onlyListener(places)));
  if (chosen?.tokens === undefined) {
    throw new DbadminError('sign-in-needed', `${chosen?.listener ?? listener} has to sign in ${chosen === undefined ? 'first' : 'again'}`, {
      hint: `Run dbadmin spotify login --listener ${chosen?.listener ?? listener}.`,
    });
  }
  const end = endOfSignIn(chosen);
  const leftMs = end.getTime() - context.clock.now().getTime();
  if (leftMs < WARN_BEFORE_MS) {
    context.output.warn(
      `the sign-in of ${chosen.listener} ends on ${end.toISOString().slice(0, 10)}: six months after it was given; sign in again`,
    );
  }
  return chosen;
}

async function onlyListener(places: SignInPlaces): Promise<string> {
  const names = (await listSignIns(places)).map(({ listener }) => listener);
  const [only] = names;
  if (only === undefined) throw new DbadminError('sign-in-needed', 'nobody has signed in', { hint: 'Run dbadmin spotify login.' });
  if (names.length > 1)
    throw new DbadminError('usage', 'several listeners have signed in', { hint: `Give --listener: ${names.join(', ')}.` });
  return only;
}
