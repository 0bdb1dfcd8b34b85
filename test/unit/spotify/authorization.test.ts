import { expect, test } from 'vitest';
import { authorizeUrl, challengeOf, parseRedirect, readRedirect, serverAt, SPOTIFY } from '../../../src/spotify/auth/authorization.ts';
import { Secret } from '../../../src/base/secret.ts';
import { endOfSignIn, openSignIn, sealSignIn, type SignIn } from '../../../src/spotify/auth/sign-in.ts';
import { readTokenAnswer } from '../../../src/spotify/auth/tokens.ts';
import { endpointOf } from '../../../src/spotify/api/run.ts';

test('challengeOf: as RFC 7636 appendix B has it', () => {
  expect(challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});

test('authorizeUrl: asks with S256 and never shows the verifier', () => {
  const verifier = 'v'.repeat(64);
  const url = new URL(authorizeUrl(SPOTIFY, { clientId: 'c', redirectUri: 'http://127.0.0.1:1/x', state: 's', verifier }));
  expect([url.origin, url.pathname, url.searchParams.get('code_challenge_method')]).toEqual([
    'https://accounts.spotify.com',
    '/authorize',
    'S256',
  ]);
  expect(url.href).not.toContain(verifier);
});

test.each([
  'http://localhost:8888/callback',
  'http://10.0.0.1:8888/callback',
  'https://127.0.0.1:8888/c',
  'http://127.0.0.1/c',
  'nonsense',
])('parseRedirect: %s is refused', (text) => expect(() => parseRedirect(text)).toThrow(expect.objectContaining({ code: 'usage' })));

test('parseRedirect: both loopback addresses, by their numbers', () => {
  expect(parseRedirect('http://127.0.0.1:8888/callback')).toEqual({ host: '127.0.0.1', port: 8888, path: '/callback' });
  expect(parseRedirect('http://[::1]:9/x')).toEqual({ host: '::1', port: 9, path: '/x' });
});

test.each(['http://example.org', 'ftp://127.0.0.1', 'http://127.0.0.1.example.org', ''])(
  'serverAt: tokens are not sent to %s',
  (address) => {
    expect(() => serverAt(address)).toThrow(expect.objectContaining({ code: 'usage' }));
  },
);

test.each([
  ['code=c&state=other', 'refused'],
  ['code=c', 'refused'],
  ['error=access_denied&state=other', 'refused'],
  ['error=access_denied&state=s', 'sign-in-needed'],
  ['error=server_error&state=s', 'sign-in-needed'],
  ['state=s', 'sign-in-needed'],
])('readRedirect: %s is %s', (query, code) => {
  expect(() => readRedirect(new URLSearchParams(query), 's')).toThrow(expect.objectContaining({ code }));
});

test('readTokenAnswer: an answer that is no JSON, or has no tokens, says nothing of what was sent', () => {
  for (const [status, text] of [
    [200, '<html>'],
    [200, '{}'],
    [502, 'bad gateway'],
  ] as const)
    expect(() => readTokenAnswer(status, text, new Date(), undefined)).toThrow(expect.objectContaining({ code: 'api-failed' }));
});

test.each([
  ['2026-03-01T00:00:00Z', '2026-09-01'],
  // Of months of different lengths the later end is taken: Spotify's answer decides in any case.
  ['2026-08-31T00:00:00Z', '2027-03-03'],
])('endOfSignIn: six months after %s is %s', (authorisedAt, end) => {
  expect(
    endOfSignIn({ authorisedAt: new Date(authorisedAt) })
      .toISOString()
      .slice(0, 10),
  ).toBe(end);
});

test('sealSignIn, openSignIn: what was sealed opens the same; one changed bit does not', () => {
  const tokens = { access: new Secret('aaa'), accessEndsAt: new Date('2026-03-01T01:00:00Z'), refresh: new Secret('rrr') };
  const who = {
    listener: 'Åda',
    accountId: 'x',
    clientId: 'c',
    server: SPOTIFY,
    scopes: ['a', 'b'],
    authorisedAt: new Date('2026-03-01T00:00:00Z'),
  };
  const signIn: SignIn = { ...who, tokens };
  for (const key of [
    { kind: 'bytes', bytes: new Secret(Buffer.alloc(32, 7).toString('base64')) },
    { kind: 'passphrase', passphrase: new Secret('correct horse') },
  ] as const) {
    const text = sealSignIn(signIn, key, Buffer.alloc(28, 3));
    expect(text).not.toMatch(/aaa|rrr/);
    const opened = openSignIn(text, 'f', () => key);
    expect([opened.tokens?.access.reveal(), opened.tokens?.refresh.reveal(), opened.tokens?.accessEndsAt]).toEqual([
      'aaa',
      'rrr',
      tokens.accessEndsAt,
    ]);
    expect({ ...opened, tokens: undefined }).toEqual({ ...who, tokens: undefined });
    // Deriving a key from a passphrase is slow, on purpose.
    if (key.kind === 'passphrase') continue;
    const changed = text.replace(/"sealed": "(.)/, (_, first: string) => `"sealed": "${first === 'A' ? 'B' : 'A'}`);
    expect(() => openSignIn(changed, 'f', () => key)).toThrow(expect.objectContaining({ code: 'key-wrong' }));
  }
});

test.each([
  ['https://api.spotify.com/v1/me/player/recently-played?limit=50', 'me/player/recently-played'],
  ['https://api.spotify.com/v1/playlists/37i9dQZEVXb/items?offset=50', 'playlists/{id}/items'],
  ['https://api.spotify.com/v1/albums/4aawyAB9vmqN3uQ7FjRGTy', 'albums/{id}'],
])('endpointOf: %s is %s', (url, endpoint) => {
  expect(endpointOf(url, SPOTIFY.apiUrl)).toBe(endpoint);
});
