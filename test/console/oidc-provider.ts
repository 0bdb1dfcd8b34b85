import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Provider, type Configuration } from 'oidc-provider';

/** What is done to an ID token on its way to the console. */
export type Spoiling =
  /** Another subject, under the signature of the first. */
  | 'forged'
  /** Signed by a key that the provider never published, under the name of one that it did. */
  | 'foreign-key'
  | 'unsigned'
  | 'expired'
  | 'from-the-future'
  | 'other-issuer'
  | 'other-audience'
  | 'other-nonce';

export interface TestProvider {
  readonly issuer: string;
  /** Lets this address be returned to. */
  serve(redirectUri: string): void;
  spoil(how: Spoiling | undefined): void;
  stop(): Promise<void>;
}

export const CLIENT = { id: 'dbadmin', secret: 'a secret of the test' } as const;

/** A provider of OpenID Connect on loopback. Its page lets one choose who to be: one of `groups`, by name. */
export async function startProvider(groups: Readonly<Record<string, readonly string[]>>): Promise<TestProvider> {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  let spoiling: Spoiling | undefined;
  let handle = (_request: IncomingMessage, response: ServerResponse): void => void response.writeHead(503).end();
  const server = createServer((request, response) => {
    if (spoiling !== undefined && request.url?.startsWith('/token') === true) alterAnswer(response, spoiling, key);
    handle(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  const address = server.address();
  const issuer = `http://localhost:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    issuer,
    serve: (redirectUri) => {
      const provider = new Provider(issuer, configuration(redirectUri, groups, key));
      const callback = provider.callback();
      handle = (request, response) => {
        if (request.url?.startsWith('/choose/') !== true) return void callback(request, response);
        void choose(provider, request, response, Object.keys(groups));
      };
    },
    spoil: (how) => void (spoiling = how),
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

function configuration(redirectUri: string, groups: Readonly<Record<string, readonly string[]>>, key: KeyObject): Configuration {
  return {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [redirectUri] }],
    jwks: { keys: [{ ...key.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'RS256' }] },
    ttl: { AccessToken: 60, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
    cookies: { keys: ['a key of the test'] },
    scopes: ['openid', 'profile', 'groups'],
    claims: { profile: ['preferred_username'], groups: ['groups'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/choose/${uid}` },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, preferred_username: sub, groups: [...(groups[sub] ?? [])] }),
    }),
    // Whoever has signed in agrees.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client?.clientId, accountId: oidc.session?.accountId });
      grant.addOIDCScope('openid profile groups');
      await grant.save();
      return grant;
    },
  };
}

async function choose(provider: Provider, request: IncomingMessage, response: ServerResponse, names: readonly string[]): Promise<void> {
  const chosen = new URL(request.url ?? '', 'http://localhost').searchParams.get('as');
  if (chosen === 'nobody')
    return await provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'not today' });
  if (chosen !== null) return await provider.interactionFinished(request, response, { login: { accountId: chosen } });
  const links = [...names, 'nobody'].map((name) => `<p><a href="?as=${name}">Be ${name}</a></p>`);
  response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>Provider</title>${links.join('')}`);
}

function alterAnswer(response: ServerResponse, how: Spoiling, key: KeyObject): void {
  const end = response.end.bind(response);
  response.end = ((body: string | Buffer) => {
    const answer = JSON.parse(body.toString()) as { id_token: string };
    const altered = JSON.stringify({ ...answer, id_token: spoilt(answer.id_token, how, key) });
    response.setHeader('content-length', Buffer.byteLength(altered));
    return end(altered);
  }) as typeof response.end;
}

function spoilt(token: string, how: Spoiling, key: KeyObject): string {
  const [head = '', body = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Readonly<Record<string, unknown>>;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const wrong: Readonly<Record<Spoiling, object>> = {
    forged: { sub: 'olga' },
    'foreign-key': {},
    unsigned: {},
    expired: { iat: nowSeconds - 7200, exp: nowSeconds - 3600 },
    'from-the-future': { nbf: nowSeconds + 3600 },
    'other-issuer': { iss: 'http://localhost:1' },
    'other-audience': { aud: 'somebody-else' },
    'other-nonce': { nonce: 'another' },
  };
  const payload = encoded({ ...claims, ...wrong[how] });
  if (how === 'forged') return `${head}.${payload}.${signature}`;
  if (how === 'unsigned') return `${encoded({ alg: 'none' })}.${payload}.`;
  const by = how === 'foreign-key' ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey : key;
  return `${head}.${payload}.${sign('RSA-SHA256', Buffer.from(`${head}.${payload}`), by).toString('base64url')}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Goes through the provider's pages as a browser would, from where the console sent it, and gives the way back without taking it. */
export async function wayBack(from: string, name: string): Promise<string> {
  const jar = new Map<string, string>();
  let at = new URL(from);
  for (let hops = 0; hops < 10; hops += 1) {
    const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(key, value);
    }
    const next = new URL(answer.headers.get('location') ?? `?as=${name}`, at);
    if (next.pathname === '/sign-in/oidc/back') return next.href;
    at = next;
  }
  throw new Error(`the provider leads nowhere: ${at.href}`);
}
