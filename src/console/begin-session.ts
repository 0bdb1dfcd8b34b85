import { getCookie, setCookie } from 'hono/cookie';
import { deviceName } from './device.ts';
import type { GuardedContext } from './guarded.ts';
import { cookieName, extraCookieName, type Reached } from './request-guard.ts';
import type { Session, SessionOrigin, Sessions } from './sessions.ts';
import type { ConsoleRole } from './user.ts';

/** Somebody who has proven who they are. */
export interface Known {
  readonly name: string;
  readonly role: ConsoleRole;
  readonly by: SessionOrigin;
}

/** Begins a session for the browser of this request, in place of the one it had: a token never passes from one to another. */
export function beginSession(
  context: GuardedContext,
  { name, role, by }: Known,
  { sessions, reached }: { readonly sessions: Sessions; readonly reached: Reached },
): Session {
  const cookie = cookieName(reached.scheme);
  sessions.end(getCookie(context, cookie) ?? '');
  const { token, session } = sessions.begin(name, role, by, {
    from: context.env.address,
    device: deviceName(context.req.header('user-agent')),
  });
  setCookie(context, cookie, token, cookieOptions(reached));
  return session;
}

const AGAIN_SECONDS = 12 * 3600;

/** After somebody has signed out of a session by the provider: the next sign-in from this browser asks them for more than a click. */
export function askAgain(context: GuardedContext, { reached }: { readonly reached: Reached }): void {
  setCookie(context, extraCookieName(reached.scheme, 'again'), '1', { ...cookieOptions(reached), maxAge: AGAIN_SECONDS });
}

/** No page of somebody else sends it, and no script reads it. */
export function cookieOptions({ scheme }: Reached): {
  readonly httpOnly: true;
  readonly sameSite: 'Strict';
  readonly path: '/';
  readonly secure: boolean;
} {
  return { httpOnly: true, sameSite: 'Strict', path: '/', secure: scheme === 'https' };
}
