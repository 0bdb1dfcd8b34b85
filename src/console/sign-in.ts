import { randomUUID, timingSafeEqual } from 'node:crypto';
import { getCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import { formatDuration } from '../base/durations.ts';
import { DbadminError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Answers } from './answers.ts';
import { askAgain, beginSession, cookieOptions, type Known } from './begin-session.ts';
import type { Audit, GuardedApp } from './guarded.ts';
import { isPassword } from './password.ts';
import { cookieName, type Reached } from './request-guard.ts';
import { sessionDocument } from './session-document.ts';
import { entryMark, type Sessions } from './sessions.ts';
import type { SignInLimit } from './sign-in-limit.ts';
import type { ConsoleUser } from './user.ts';

export interface SignInOptions {
  readonly answers: Answers;
  readonly reached: Reached;
  readonly sessions: Sessions;
  readonly limit: SignInLimit;
  /** Those who may sign in now: read again for each, so that a removed user is out at once. */
  readonly users: () => Promise<readonly ConsoleUser[]>;
  /** The code of the link that was printed where the console was started; works once, and only where there are no users. */
  readonly startCode: Secret | undefined;
  /** What a wrong name is compared with, so that it takes as long as a wrong password. */
  readonly decoy: string;
  readonly audit: Audit;
}

const signInBody = z.union([
  z.strictObject({ name: z.string().max(100), password: z.string().max(1000) }),
  z.strictObject({ code: z.string().max(200) }),
]);

/** The doors: who signs in gets a cookie, who signs out loses it. Both are written down. */
export function addSignIn(app: GuardedApp, options: SignInOptions): void {
  let codeIsUsed = false;
  app.post('/api/sign-in', async (context) => {
    const body = signInBody.safeParse(await context.req.json().catch(() => undefined));
    if (!body.success) throw new DbadminError('usage', 'a sign-in has a name and a password');
    const from = context.env.address;
    const id = randomUUID();
    const name = 'code' in body.data ? 'the start link' : body.data.name;
    const tell = async (outcome: 'done' | 'refused', detail: string | null): Promise<void> =>
      await options.audit({ id, who: name, from, what: 'sign-in', cluster: null, outcome, detail });
    const waitMs = options.limit.waitMs(name, from);
    if (waitMs > 0) {
      await tell('refused', 'too many failures before');
      throw new DbadminError('refused', `too many sign-ins have failed; try again in ${formatDuration(waitMs)}`);
    }
    // Counted before the password is tried: a hundred guesses sent at once are a hundred, too.
    options.limit.tried(name, from);
    const known = 'code' in body.data ? useCode(body.data.code, options, codeIsUsed) : await userOf(body.data, options);
    if (known === undefined) {
      await tell('refused', 'wrong name or password');
      throw 'code' in body.data
        ? new DbadminError('credentials-wrong', 'this link has been used, or the console was started anew', {
            hint: 'Start dbadmin console again for a new one, or add users: dbadmin console user add NAME.',
          })
        : new DbadminError('credentials-wrong', 'the name or the password is wrong');
    }
    if ('code' in body.data) codeIsUsed = true;
    await tell('done', known.role);
    options.limit.succeeded(name, from);
    return context.json(sessionDocument(beginSession(context, known, options), options.answers));
  });
  app.post('/api/sign-out', async (context) => {
    const { sessions, reached } = options;
    const token = getCookie(context, cookieName(reached.scheme)) ?? '';
    const session = sessions.find(token);
    if (session !== undefined && context.req.header('x-csrf-token') !== session.csrf)
      throw new DbadminError('refused', 'the request lacks the token of its session');
    sessions.end(token);
    const entry = { id: randomUUID(), from: context.env.address, what: 'sign-out', cluster: null, outcome: 'done', detail: null } as const;
    if (session !== undefined) await options.audit({ ...entry, who: session.user });
    if (session?.by.kind === 'provider') askAgain(context, options);
    setCookie(context, cookieName(reached.scheme), '', { ...cookieOptions(reached), maxAge: 0 });
    return context.json({});
  });
}

async function userOf(
  { name, password }: { readonly name: string; readonly password: string },
  options: SignInOptions,
): Promise<Known | undefined> {
  const user = (await options.users()).find((each) => each.name === name);
  const isRight = await isPassword(new Secret(password), user?.password ?? options.decoy);
  return user !== undefined && isRight ? { name: user.name, role: user.role, by: { kind: 'password', mark: entryMark(user) } } : undefined;
}

function useCode(code: string, { startCode }: SignInOptions, isUsed: boolean): Known | undefined {
  if (startCode === undefined || isUsed) return undefined;
  const wanted = Buffer.from(startCode.reveal());
  const given = Buffer.from(code);
  return wanted.length === given.length && timingSafeEqual(wanted, given)
    ? { name: 'operator', role: 'operator', by: { kind: 'link' } }
    : undefined;
}
