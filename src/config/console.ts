import { parseDuration } from '../base/durations.ts';
import type { YamlPath, YamlSource } from '../base/yaml-source.ts';
import type { ConsoleConfig, OidcConfig } from './config.ts';
import { secretAt, type Resolving } from './repositories.ts';
import type { ConsoleFile } from './schema.ts';

const MINUTE_MS = 60_000;
const USUAL_IDLE_MS = 30 * MINUTE_MS;
const USUAL_LONGEST_MS = 12 * 60 * MINUTE_MS;
const MOST_LONGEST_MS = 7 * 24 * 60 * MINUTE_MS;

/** Who may sign in to the console, and for how long; with `file` undefined its own users, for the usual time. */
export function resolveConsole(file: ConsoleFile | undefined, resolving: Resolving | undefined): ConsoleConfig {
  if (file === undefined || resolving === undefined)
    return { oidc: undefined, session: { idleMs: USUAL_IDLE_MS, longestMs: USUAL_LONGEST_MS } };
  return {
    oidc: file.oidc === undefined ? undefined : resolveOidc(file.oidc, ['console', 'oidc'], resolving),
    session: resolveSession(file.session, ['console', 'session'], resolving.source),
  };
}

function resolveOidc(file: NonNullable<ConsoleFile['oidc']>, at: YamlPath, resolving: Resolving): OidcConfig {
  const { source } = resolving;
  const url = new URL(file.issuer);
  // Whoever sits between could say who signed in.
  if (url.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname))
    source.add([...at, 'issuer'], 'a provider on another machine is reached by https://');
  if (url.search !== '' || url.hash !== '') source.add([...at, 'issuer'], 'the address of a provider has neither ? nor #');
  const scopes = file.scopes ?? ['openid', 'profile', 'email'];
  if (!scopes.includes('openid')) source.add([...at, 'scopes'], 'openid has to be among the scopes');
  if (file.client_secret === undefined && file.client_authentication !== undefined)
    source.add([...at, 'client_authentication'], 'there is no client_secret to prove anything with');
  const { operator = [], viewer = [] } = file.roles;
  return {
    issuer: file.issuer,
    clientId: file.client_id,
    clientSecret: file.client_secret === undefined ? undefined : secretAt(file.client_secret, [...at, 'client_secret'], resolving),
    clientAuthentication: file.client_authentication,
    scopes,
    claim: file.claim ?? 'groups',
    roles: { operator, viewer },
    label: file.label ?? url.host,
  };
}

function resolveSession(file: ConsoleFile['session'], at: YamlPath, source: YamlSource): ConsoleConfig['session'] {
  const idleMs = file?.idle === undefined ? USUAL_IDLE_MS : parseDuration(file.idle);
  const longestMs = file?.longest === undefined ? Math.max(USUAL_LONGEST_MS, idleMs) : parseDuration(file.longest);
  if (idleMs < MINUTE_MS) source.add([...at, 'idle'], 'a session lasts 1m or longer without a request');
  if (longestMs < idleMs) source.add([...at, 'longest'], 'longest is no shorter than idle');
  if (longestMs > MOST_LONGEST_MS) source.add([...at, 'longest'], 'a session lasts 7d at most');
  return { idleMs: Math.min(idleMs, longestMs), longestMs };
}
