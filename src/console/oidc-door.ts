import { randomBytes, randomUUID } from 'node:crypto';
import { getCookie, getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie';
import { z } from 'zod';
import { formatDuration } from '../base/durations.ts';
import { DbadminError, isDbadminError, messageOf } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { beginSession, cookieOptions } from './begin-session.ts';
import { failureOf } from './failure.ts';
import type { GuardedApp, GuardedContext } from './guarded.ts';
import { hostOf, roleOf, vouchedFor } from './oidc.ts';
import type { Attempt, OidcProvider } from './oidc-run.ts';
import { extraCookieName } from './request-guard.ts';
import type { SignInOptions } from './sign-in.ts';

export interface OidcDoorOptions extends SignInOptions {
  readonly provider: OidcProvider | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export const OIDC_BEGIN = '/sign-in/oidc';
export const OIDC_BACK = '/sign-in/oidc/back';

/** Somebody may have to find their telephone first. */
const ATTEMPT_MS = 10 * 60_000;
const FAILURE_SECONDS = 60;

const attemptCookie = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  to: z.string(),
  at: z.number(),
});
type KeptAttempt = z.infer<typeof attemptCookie>;

/**
 * The way in by a provider: out to it, and back. What belongs to one try is in a signed cookie of the browser that began it,
 * so that neither can another browser finish it nor a thousand tries that nobody finishes fill the memory.
 */
export function addOidcDoor(app: GuardedApp, options: OidcDoorOptions): void {
  const { provider, reached } = options;
  const key = randomBytes(32).toString('base64url');
  const failed = extraCookieName(reached.scheme, 'failed');
  app.get('/api/doors', async (context) => {
    const text = await getSignedCookie(context, key, failed);
    if (typeof text === 'string') setCookie(context, failed, '', { ...cookieOptions(reached), maxAge: 0 });
    return context.json({
      hasUsers: await options.users().then(
        (users) => users.length > 0,
        // What is wrong with the file is told to whoever tries.
        () => true,
      ),
      hasLink: options.startCode !== undefined,
      provider: provider === undefined ? null : { label: provider.options.label, beginsAt: OIDC_BEGIN },
      failure: typeof text === 'string' ? (JSON.parse(text) as object) : null,
    });
  });
  if (provider === undefined) return;
  const door = new OidcDoor(options, provider, key);
  app.get(OIDC_BEGIN, async (context) => await door.orTold(context, async () => await door.begin(context)));
  app.get(OIDC_BACK, async (context) => await door.orTold(context, async () => await door.finish(context)));
}

class OidcDoor {
  readonly #options: OidcDoorOptions;
  readonly #provider: OidcProvider;
  readonly #key: string;

  constructor(options: OidcDoorOptions, provider: OidcProvider, key: string) {
    this.#options = options;
    this.#provider = provider;
    this.#key = key;
  }

  async begin(context: GuardedContext): Promise<Response> {
    const { reached, clock } = this.#options;
    const redirectUri = `${reached.scheme}://${context.req.header('host') ?? ''}${OIDC_BACK}`;
    const isAgain = getCookie(context, extraCookieName(reached.scheme, 'again')) !== undefined;
    const { url, attempt } = await this.#provider.begin(redirectUri, isAgain);
    const kept: KeptAttempt = { ...attempt, to: ownPath(context.req.query('to')), at: clock.now().getTime() };
    await setSignedCookie(context, this.#attemptCookie(), JSON.stringify(kept), this.#key, {
      ...cookieOptions(reached),
      // The way back is a link from the provider's page: a strict cookie would stay at home.
      sameSite: 'Lax',
      maxAge: ATTEMPT_MS / 1000,
    });
    return context.redirect(url.href, 303);
  }

  async finish(context: GuardedContext): Promise<Response> {
    const attempt = await this.#takeAttempt(context);
    const { limit, reached, audit } = this.#options;
    const from = context.env.address;
    const provider = hostOf(this.#provider.options.issuer);
    const id = randomUUID();
    const tell = async (who: string, outcome: 'done' | 'refused', detail: string): Promise<void> =>
      await audit({ id, who, from, what: 'sign-in', cluster: null, outcome, detail });
    // By address alone: nobody can be named here, so nobody can be locked out by their name.
    const waitMs = limit.waitMs(`via ${from}`, from);
    if (waitMs > 0) throw new DbadminError('refused', `too many sign-ins have failed; try again in ${formatDuration(waitMs)}`);
    limit.tried(`via ${from}`, from);
    const back = new URL(attempt.redirectUri);
    back.search = new URL(context.req.url).search;
    const claims = await this.#provider.finish(back, attempt).catch(async (error: unknown) => {
      // A provider that is away is nobody's guess.
      if (isDbadminError(error, 'connection-failed')) limit.succeeded(`via ${from}`, from);
      await tell(`somebody via ${provider}`, 'refused', messageOf(error));
      throw error;
    });
    // The provider knows them: whoever it is, they did not guess.
    limit.succeeded(`via ${from}`, from);
    const vouched = vouchedFor(claims, this.#provider.options);
    const role = await this.#roleOf(vouched, tell);
    await tell(vouched.name, 'done', `${role}; subject ${vouched.subject} of ${this.#provider.options.issuer}`);
    setCookie(context, extraCookieName(reached.scheme, 'again'), '', { ...cookieOptions(reached), maxAge: 0 });
    beginSession(context, { name: vouched.name, role, by: { kind: 'provider' } }, this.#options);
    return context.redirect(attempt.to, 303);
  }

  /** What goes wrong out of sight of our page is shown there: the browser is sent to it, with the words in a cookie. */
  async orTold(context: GuardedContext, work: () => Promise<Response>): Promise<Response> {
    context.header('cache-control', 'no-store');
    try {
      return await work();
    } catch (error) {
      const { status, document } = failureOf(error);
      const { reached, log } = this.#options;
      if (status !== 403)
        log.warn(`console: sign-in by ${hostOf(this.#provider.options.issuer)}: ${document.error.message}: ${document.error.detail ?? ''}`);
      const name = extraCookieName(reached.scheme, 'failed');
      const told = JSON.stringify(document.error);
      await setSignedCookie(context, name, told, this.#key, { ...cookieOptions(reached), maxAge: FAILURE_SECONDS });
      return context.redirect('/', 303);
    }
  }

  /** The try that this browser began, which is over now whatever comes of it. */
  async #takeAttempt(context: GuardedContext): Promise<Attempt & { readonly to: string }> {
    const { reached, clock } = this.#options;
    const text = await getSignedCookie(context, this.#key, this.#attemptCookie());
    setCookie(context, this.#attemptCookie(), '', { ...cookieOptions(reached), sameSite: 'Lax', maxAge: 0 });
    const parsed = typeof text === 'string' ? attemptCookie.safeParse(JSON.parse(text)) : undefined;
    const attempt = parsed?.success === true ? parsed.data : undefined;
    const isLate = attempt !== undefined && clock.now().getTime() - attempt.at >= ATTEMPT_MS;
    if (attempt === undefined || isLate || attempt.state !== context.req.query('state')) {
      throw new DbadminError('refused', 'this sign-in was not begun in this browser, or took too long', { hint: 'Begin it here again.' });
    }
    return attempt;
  }

  async #roleOf(
    vouched: ReturnType<typeof vouchedFor>,
    tell: (who: string, outcome: 'refused', detail: string) => Promise<void>,
  ): Promise<ReturnType<typeof roleOf>> {
    try {
      return roleOf(vouched, this.#provider.options);
    } catch (error) {
      await tell(vouched.name, 'refused', `no group of theirs gives a role; subject ${vouched.subject}`);
      throw error;
    }
  }

  #attemptCookie(): string {
    return extraCookieName(this.#options.reached.scheme, 'sign-in');
  }
}

/** Where somebody wanted to go, when that is a screen of ours: never another place. */
function ownPath(path: string | undefined): string {
  return path !== undefined && path.length <= 500 && /^\/(?![/\\])[\w\-./?=&%:+~,]*$/.test(path) ? path : '/';
}
