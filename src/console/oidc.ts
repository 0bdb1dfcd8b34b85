import { DbadminError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { ConsoleRole } from './user.ts';

/** A provider of sign-ins by OpenID Connect, and what its word counts for here. */
export interface OidcOptions {
  /** As the provider calls itself, to the letter. */
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined for a client that is registered as public. */
  readonly clientSecret: Secret | undefined;
  /** How the client proves who it is; undefined for what the provider says it takes. */
  readonly clientAuthentication: 'basic' | 'post' | undefined;
  readonly scopes: readonly string[];
  /** Where the groups stand: the name of a claim, or a path of names with dots between. */
  readonly claim: string;
  /** The groups that give a role; whoever is in groups of both acts. */
  readonly roles: Readonly<Record<ConsoleRole, readonly string[]>>;
  /** What the button says. */
  readonly label: string;
}

export type Claims = Readonly<Record<string, unknown>>;

/** Somebody the provider vouched for. */
export interface Vouched {
  /** As shown and audited. No user of the console's own file can have this name. */
  readonly name: string;
  /** What the provider never gives to anybody else. */
  readonly subject: string;
  readonly groups: readonly string[];
}

const MOST_TOLD = 20;

/** Who the claims are about. */
export function vouchedFor(claims: Claims, { claim, issuer }: Pick<OidcOptions, 'claim' | 'issuer'>): Vouched {
  const subject = String(claims['sub']);
  const mail = claims['email_verified'] === false ? undefined : claims['email'];
  const given = [claims['preferred_username'], mail, subject].find((each) => typeof each === 'string' && each !== '');
  return { name: `${plain(String(given))} via ${hostOf(issuer)}`, subject, groups: groupsIn(claims, claim) ?? [] };
}

/** The groups that the claims name, or undefined when there is no such claim. */
export function groupsIn(claims: Claims, claim: string): readonly string[] | undefined {
  // A claim's own name may have dots: https://example.org/groups.
  const found = claim in claims ? claims[claim] : claim.split('.').reduce<unknown>(memberOf, claims);
  if (typeof found === 'string') return [found];
  return Array.isArray(found) ? found.filter((each): each is string => typeof each === 'string') : undefined;
}

/**
 * The role that the groups give.
 *
 * @throws {DbadminError} `refused` when none of them gives one.
 */
export function roleOf({ name, groups }: Vouched, { roles, claim }: Pick<OidcOptions, 'roles' | 'claim'>): ConsoleRole {
  const isIn = (role: ConsoleRole): boolean => roles[role].some((group) => groups.includes(group));
  if (isIn('operator')) return 'operator';
  if (isIn('viewer')) return 'viewer';
  const told = groups.slice(0, MOST_TOLD).map(plain).join(', ');
  throw new DbadminError('refused', `there is no role in this console for ${name}`, {
    detail:
      groups.length === 0
        ? `The provider names no groups in the claim "${claim}".`
        : `None of these groups gives one: ${told}${groups.length > MOST_TOLD ? ' …' : ''}.`,
    hint: 'Ask whoever runs the console: dbadmin.yaml names the groups under console: oidc: roles.',
  });
}

export function hostOf(issuer: string): string {
  return new URL(issuer).host;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Claims)[key] : undefined;
}

/** What somebody chose for a name must not break a line of a log or pass for something else. */
function plain(text: string): string {
  return text
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .trim()
    .slice(0, 100);
}
