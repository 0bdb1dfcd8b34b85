import { parseDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { serverAt } from '../../spotify/auth/authorization.ts';
import { signIn } from '../../spotify/auth/run.ts';
import { endOfSignIn } from '../../spotify/auth/sign-in.ts';
import { readSignIn, signInPlaces, writeSignIn } from '../../spotify/auth/sign-in-apply.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { askingOf } from './sign-ins.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const clientId = textOption(input, 'clientId') ?? context.env['SPOTIFY_CLIENT_ID'];
  if (clientId === undefined || clientId === '') {
    throw new DbadminError('usage', 'no client identifier is given', {
      hint: 'Give --client-id, or SPOTIFY_CLIENT_ID: it stands in the dashboard of your app and is no secret.',
    });
  }
  const places = signInPlaces(context.env, context.cwd);
  const signedIn = await signIn(askingOf(context), {
    clientId,
    server: serverAt(textOption(input, 'server')),
    redirectUri: textOption(input, 'redirect') ?? 'http://127.0.0.1:8888/callback',
    listener: textOption(input, 'listener'),
    timeoutMs: parseDuration(textOption(input, 'timeout') ?? '5m'),
    // The address has to be seen even with --quiet: without it nobody can sign in.
    show: (url) => {
      const text = `Open this address in a browser and allow the access: ${url}`;
      if (output.quiet) output.warn(text);
      else output.note(text);
    },
  });
  const before = await readSignIn(places, signedIn.listener).catch(() => undefined);
  if (before !== undefined && before.accountId !== signedIn.accountId) {
    throw new DbadminError('refused', `${signedIn.listener} is another account than the one that signed in before`, {
      hint: 'Two accounts under one name would mix two people: give another --listener, or forget the one before.',
    });
  }
  await writeSignIn(places, signedIn);
  const endsAt = endOfSignIn(signedIn);
  output.line(`${signedIn.listener} is signed in until ${endsAt.toISOString().slice(0, 10)}`);
  output.result({ listener: signedIn.listener, accountId: signedIn.accountId, scopes: signedIn.scopes, endsAt });
  return 0;
}
