import type * as Client from 'openid-client';
import type { ClientAuth, Configuration } from 'openid-client';
import { DbadminError, messageOf } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { groupsIn, hostOf, type Claims, type OidcOptions } from './oidc.ts';
import { trustFailure } from './oidc-failure.ts';

/** One try to sign in, from the moment the browser leaves for the provider until it is back. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

const TIMEOUT_SECONDS = 10;
/** Two clocks may differ by so much before a token counts as expired, or as issued in the future. */
const CLOCK_TOLERANCE_SECONDS = 30;
/** For so long what the provider says of itself is not asked again; a failure to ask, much shorter. */
const KEPT_MS = 3_600_000;
const FAILURE_KEPT_MS = 2000;

interface Asked {
  readonly at: number;
  readonly configuration: Promise<Configuration>;
  readonly keepMs: number;
}

/**
 * A provider of OpenID Connect: the authorization code flow with PKCE, state and nonce. The ID token's signature is checked
 * against the provider's keys although it comes over TLS from the provider itself.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html
 * @see https://www.rfc-editor.org/rfc/rfc9700
 */
export class OidcProvider {
  readonly options: OidcOptions;
  readonly #clock: Pick<Clock, 'now'>;
  #asked: Asked | undefined;

  constructor(options: OidcOptions, clock: Pick<Clock, 'now'>) {
    this.options = options;
    this.#clock = clock;
  }

  /**
   * Where to send the browser, and what has to be known when it is back. `isAgain`: somebody has signed out before, and the
   * provider shall not let them in unasked.
   *
   * @throws {DbadminError} `connection-failed` when the provider is away, `refused` when it is no such provider.
   */
  async begin(redirectUri: string, isAgain: boolean): Promise<{ readonly url: URL; readonly attempt: Attempt }> {
    const client = await import('openid-client');
    const configuration = await this.discovered();
    const attempt = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
      redirectUri,
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.options.scopes.join(' '),
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
      ...(isAgain ? { prompt: 'login' } : {}),
    });
    return { url, attempt };
  }

  /**
   * The claims about whoever came back to `url`. What the ID token leaves out of the groups is asked of the provider.
   *
   * @throws {DbadminError} as {@link trustFailure}.
   */
  async finish(url: URL, attempt: Attempt): Promise<Claims> {
    const client = await import('openid-client');
    const configuration = await this.discovered();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, url, {
        pkceCodeVerifier: attempt.verifier,
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('there is no ID token');
      const isComplete = groupsIn(claims, this.options.claim) !== undefined;
      if (isComplete || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
      return { ...(await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims };
    } catch (error) {
      throw trustFailure(error, this.options);
    }
  }

  /** What the provider says of itself, once an hour. @throws {DbadminError} as {@link begin}. */
  async discovered(): Promise<Configuration> {
    const now = this.#clock.now().getTime();
    if (this.#asked === undefined || now - this.#asked.at >= this.#asked.keepMs) {
      const configuration = this.#discover();
      this.#asked = { at: now, configuration, keepMs: KEPT_MS };
      configuration.catch(() => (this.#asked = { at: now, configuration, keepMs: FAILURE_KEPT_MS }));
    }
    return await this.#asked.configuration;
  }

  async #discover(): Promise<Configuration> {
    const client = await import('openid-client');
    const { issuer, clientId } = this.options;
    const url = new URL(issuer);
    try {
      return await client.discovery(
        url,
        clientId,
        { [client.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
        clientAuthentication(client, this.options),
        {
          timeout: TIMEOUT_SECONDS,
          // Plain http is for a provider on this machine; the configuration lets no other be named.
          execute: [client.enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [client.allowInsecureRequests] : [])],
        },
      );
    } catch (error) {
      const failure = trustFailure(error, this.options);
      if (failure.code === 'connection-failed') throw failure;
      throw new DbadminError('refused', `the provider ${hostOf(issuer)} does not serve to sign in`, {
        detail: failure.detail ?? messageOf(error),
        hint: 'console: oidc: issuer in dbadmin.yaml has to be what the provider calls itself, to the letter.',
        cause: error,
      });
    }
  }
}

function clientAuthentication(client: typeof Client, { clientSecret, clientAuthentication: stated }: OidcOptions): ClientAuth {
  if (clientSecret === undefined) return client.None();
  return (server, metadata, body, headers) => {
    const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const isBasic = stated === undefined ? taken.includes('client_secret_basic') : stated === 'basic';
    const prove = isBasic ? client.ClientSecretBasic : client.ClientSecretPost;
    prove(clientSecret.reveal())(server, metadata, body, headers);
  };
}
