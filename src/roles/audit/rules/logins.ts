import { createHash } from 'node:crypto';
import { Secret } from '../../../base/secret.ts';
import { quoteName } from '../../../postgres/quote.ts';
import { scramMatches } from '../../scram.ts';
import type { RoleState } from '../../state.ts';
import { isOver } from '../../valid-until.ts';
import type { AuditRule, Finding } from '../finding.ts';
import type { AuditWorld } from '../world.ts';

type Found = Omit<Finding, 'rule'>;

const MD5 = /^md5[0-9a-f]{32}$/;
/** Part of max_connections that one login is offered as its limit. */
const LIMIT_SHARE = 5;
const NEW_PASSWORD = 'Nobody can log in with it until another is set; dbadmin roles rotate sets another instead.';

function ofLogins(world: AuditWorld, find: (login: RoleState) => Omit<Found, 'subject' | 'database'> | undefined): readonly Found[] {
  return [...world.state.cluster.roles.values()].flatMap((login) => {
    const found = login.login ? find(login) : undefined;
    return found === undefined ? [] : [{ ...found, subject: login.name, database: undefined }];
  });
}

/** What people try first. */
function guesses(login: string): readonly string[] {
  const name = login.toLowerCase();
  return [
    ...new Set([
      login,
      name,
      Array.from(login).reverse().join(''),
      `${login}1`,
      `${login}123`,
      'password',
      'postgres',
      'changeme',
      'secret',
      '123456',
    ]),
  ];
}

function isGuess(login: string, verifier: Secret): boolean {
  const stored = verifier.reveal();
  return guesses(login).some((guess) =>
    MD5.test(stored)
      ? stored === `md5${createHash('md5').update(`${guess}${login}`).digest('hex')}`
      : scramMatches(new Secret(guess), verifier),
  );
}

export const LOGIN_RULES: readonly AuditRule[] = [
  {
    name: 'guessable-password',
    summary: 'a password that is the name of the login, or one of those tried first',
    why: 'It is what everybody tries first. The stored verifier is compared with a handful of guesses; none is sent to the server.',
    find: (world) =>
      ofLogins(world, ({ name, verifier }) =>
        verifier === undefined || !isGuess(name, verifier)
          ? undefined
          : {
              severity: 'critical',
              message: 'logs in with a password that anybody guesses',
              evidence: [`the stored verifier of ${name} was made from its name or from a common password`],
              sql: [`ALTER ROLE ${quoteName(name)} PASSWORD NULL`],
              remark: NEW_PASSWORD,
            },
      ),
  },
  {
    name: 'md5-password',
    summary: 'a password stored as MD5',
    why: 'The hash alone is enough to log in with, it is guessed at billions a second, and the server will stop taking it.',
    find: (world) =>
      ofLogins(world, ({ name, verifier }) =>
        verifier === undefined || !MD5.test(verifier.reveal())
          ? undefined
          : {
              severity: 'medium',
              message: 'has a password hash that is itself enough to log in with, for who reads it in a backup',
              evidence: [`the password of ${name} is stored as MD5`],
              sql: [`ALTER ROLE ${quoteName(name)} PASSWORD NULL`],
              remark: NEW_PASSWORD,
            },
      ),
  },
  {
    name: 'expired-login',
    summary: 'VALID UNTIL is over and the role still logs in',
    why: 'The date ends the password alone: certificates, peer, LDAP and trust do not look at it.',
    find: (world) =>
      ofLogins(world, ({ name, validUntil }) =>
        !isOver(validUntil, world.now)
          ? undefined
          : {
              severity: 'medium',
              message: 'was to end, and may still log in by anything but its password',
              evidence: [`VALID UNTIL of ${name} is ${validUntil}`],
              sql: [`ALTER ROLE ${quoteName(name)} NOLOGIN`],
            },
      ),
  },
  {
    name: 'stale-login',
    summary: 'a login that nobody used for long (with --stale)',
    why: 'Nobody misses it, so nobody notices who uses it.',
    find: (world) => {
      const { seen } = world.state;
      if (seen === undefined) return [];
      return ofLogins(world, ({ name, attributes }) =>
        attributes.superuser || seen.logins.has(name)
          ? undefined
          : {
              severity: 'low',
              message: 'has not logged in for long',
              evidence: [`no login of ${name} since ${seen.since.toISOString()} in the server's log, and no session now`],
              sql: [`ALTER ROLE ${quoteName(name)} NOLOGIN`],
            },
      );
    },
  },
  {
    name: 'unlimited-login',
    summary: 'a login without a connection limit',
    why: 'One program that opens connections without end keeps everybody else out.',
    find: (world) => {
      const limit = Math.max(1, Math.floor(world.state.maxConnections / LIMIT_SHARE));
      return ofLogins(world, ({ name, attributes, connectionLimit }) =>
        connectionLimit !== -1 || attributes.superuser
          ? undefined
          : {
              severity: 'low',
              message: 'can take every connection of the server',
              evidence: [`CONNECTION LIMIT of ${name} is none, max_connections is ${world.state.maxConnections}`],
              sql: [`ALTER ROLE ${quoteName(name)} CONNECTION LIMIT ${limit}`],
              remark: `${limit} is a proposal: a fifth of max_connections.`,
            },
      );
    },
  },
];
