import { isDbadminError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { DbadminError } from '../../base/errors.ts';
import { endOfSignIn, type SignIn } from '../auth/sign-in.ts';
import { readTokenAnswer, type TokenAnswer, type Tokens } from '../auth/tokens.ts';
import { ask, type Asking } from './http-run.ts';

const MARGIN_MS = 60_000;
const MAX_TOKEN_BYTES = 65_536;

/** Gives the token endpoint a form. @throws {DbadminError} as {@link readTokenAnswer}, and `api-failed`. */
export async function askForTokens(asking: Asking, accountsUrl: string, form: URLSearchParams, before?: Tokens): Promise<TokenAnswer> {
  const request = { method: 'POST', url: `${accountsUrl}/api/token`, form, name: 'tokens', maxBytes: MAX_TOKEN_BYTES } as const;
  const answer = await ask(asking, request, () => true);
  return readTokenAnswer(answer.status, answer.body.toString(), answer.receivedAt, before);
}

/** Somebody's tokens in use: renewed before they end, and once when the server does not take them. */
export class Session {
  readonly #asking: Asking;
  readonly #keep: (signIn: SignIn) => Promise<void>;
  #signIn: SignIn;

  /** `keep` is given each change, before a changed token is used. */
  constructor(signIn: SignIn, asking: Asking, keep: (signIn: SignIn) => Promise<void>) {
    this.#signIn = signIn;
    this.#asking = asking;
    this.#keep = keep;
  }

  get signIn(): SignIn {
    return this.#signIn;
  }

  /**
   * A token that lasts another minute at least. `refused` is one that the server did not take.
   *
   * @throws {DbadminError} `sign-in-needed`: the tokens are thrown away, and trying again cannot help.
   */
  async accessToken(refused?: Secret): Promise<Secret> {
    const { tokens, listener } = this.#signIn;
    if (tokens === undefined) {
      throw new DbadminError('sign-in-needed', `${listener} has to sign in again`, {
        hint: `Run dbadmin spotify login --listener ${listener}.`,
      });
    }
    const lasts = tokens.accessEndsAt.getTime() - this.#asking.clock.now().getTime() > MARGIN_MS;
    if (lasts && tokens.access !== refused) return tokens.access;
    return (await this.#renew(tokens)).access;
  }

  async #renew(tokens: Tokens): Promise<Tokens> {
    const { clientId, server } = this.#signIn;
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: tokens.refresh.reveal(), client_id: clientId });
    try {
      const renewed = (await askForTokens(this.#asking, server.accountsUrl, form, tokens)).tokens;
      this.#signIn = { ...this.#signIn, tokens: renewed };
      await this.#keep(this.#signIn);
      return renewed;
    } catch (error) {
      if (!isDbadminError(error, 'sign-in-needed')) throw error;
      this.#signIn = { ...this.#signIn, tokens: undefined };
      await this.#keep(this.#signIn);
      throw this.#ended(error);
    }
  }

  #ended(cause: DbadminError): DbadminError {
    const end = endOfSignIn(this.#signIn);
    const isOld = end <= this.#asking.clock.now();
    return new DbadminError('sign-in-needed', `the sign-in of ${this.#signIn.listener} is no longer valid`, {
      detail: isOld ? `It ended on ${end.toISOString().slice(0, 10)}, six months after it was given.` : `Spotify said: ${cause.message}.`,
      hint: `Run dbadmin spotify login --listener ${this.#signIn.listener}.`,
      cause,
    });
  }
}
