import type { DeclaredDatabase, DeclaredRole, RolesDocument } from '../document/document.ts';
import { isOver, overText } from '../valid-until.ts';
import type { LintFinding, Severity } from './finding.ts';

export interface LintRule {
  readonly name: string;
  readonly severity: Severity;
  /** What it finds, in a few words. */
  readonly summary: string;
  find(document: RolesDocument, now: Date): readonly Pick<LintFinding, 'at' | 'subject' | 'message' | 'safe'>[];
}

const POWERS = ['superuser', 'createrole', 'bypassrls'] as const;

export const LINT_RULES: readonly LintRule[] = [
  {
    name: 'owner-logs-in',
    severity: 'warning',
    summary: 'a schema or database owned by a role that logs in',
    find: (document) =>
      eachDatabase(document, (database) => {
        const owners = [
          { owner: database.owner, what: `database ${database.name}`, at: database.at },
          ...[...database.schemas.values()].map(({ owner, name, at }) => ({ owner, what: `schema ${name}`, at })),
        ];
        return owners.flatMap(({ owner, what, at }) => {
          const role = owner === undefined ? undefined : document.roles.get(owner);
          if (role === undefined || role.kind === 'group') return [];
          const safe = 'Let a group own it, and give the login membership with inherit: false.';
          return [
            { at, subject: role.name, message: `${what} is owned by ${role.name}, which logs in: owners may do everything to it`, safe },
          ];
        });
      }),
  },
  {
    name: 'powerful-login',
    severity: 'warning',
    summary: 'a login with superuser, createrole or bypassrls',
    find: (document) =>
      logins(document).flatMap((role) =>
        POWERS.filter((power) => role.attributes[power]).map((power) => ({
          at: role.at,
          subject: role.name,
          message: `${role.name} logs in and is ${power}`,
          safe: 'Give the power to a group that the login must SET ROLE to, or take it away.',
        })),
      ),
  },
  {
    name: 'admin-to-login',
    severity: 'warning',
    summary: 'a login that may grant a role to others',
    find: (document) =>
      logins(document).flatMap((role) =>
        role.memberOf
          .filter(({ admin }) => admin)
          .map((edge) => ({
            at: edge.at,
            subject: role.name,
            message: `${role.name} may give ${edge.role} to anybody, whatever this file says`,
            safe: 'Leave admin out: memberships are given by this file.',
          })),
      ),
  },
  {
    name: 'grant-option',
    severity: 'warning',
    summary: 'privileges with the option to grant them on',
    find: (document) =>
      eachDatabase(document, (database) =>
        database.access
          .filter(({ grantable }) => grantable)
          .map((rule) => ({
            at: rule.at,
            subject: rule.to.join(', '),
            message: `${rule.to.join(', ')} may grant it on to anybody, whatever this file says`,
            safe: 'Leave with_grant_option out: privileges are given by this file.',
          })),
      ),
  },
  {
    name: 'already-over',
    severity: 'warning',
    summary: 'an end that has passed',
    find: (document, now) =>
      [...document.roles.values()].flatMap((role) => {
        const over = role.memberOf
          .filter(({ until }) => isOver(until, now))
          .map((edge) => ({
            at: edge.at,
            subject: role.name,
            message: `membership of ${role.name} in ${edge.role} ended on ${edge.until?.slice(0, 10) ?? ''}`,
            safe: 'Take the line out, or set a new end.',
          }));
        if (!isOver(role.validUntil, now)) return over;
        const message = `the password of ${role.name} ${overText(role.validUntil)}`;
        return [...over, { at: role.at, subject: role.name, message, safe: 'Retire the role, or set a new valid_until.' }];
      }),
  },
  {
    name: 'scope-of-everything',
    severity: 'warning',
    summary: 'a scope that takes in every role',
    find: (document) =>
      document.scope.roles
        .filter((glob) => /^\*+$/.test(glob) && document.scope.ignoreRoles.every((each) => each === 'pg_*'))
        .map((glob) => ({
          at: { line: 1, column: 1 },
          subject: glob,
          message: `scope.roles is "${glob}": what every undeclared role may do is taken from it`,
          safe: 'Name prefixes, such as app_*, or list in scope.ignore_roles who is to be left alone.',
        })),
  },
  {
    name: 'quotes-in-a-list',
    severity: 'warning',
    summary: 'a schema in a list whose name would have double quotes in it',
    find: (document) =>
      [...document.roles.values()].flatMap((role) =>
        [role.settings, ...role.settingsIn.values()]
          .flatMap((settings) => settings.get('search_path') ?? [])
          .filter((schema) => /^".*"$/s.test(schema))
          .map((schema) => ({
            at: role.at,
            subject: role.name,
            message: `search_path of ${role.name} names a schema ${schema}, quotes included`,
            safe: `In a list each name stands as it is: write ${schema.slice(1, -1)}.`,
          })),
      ),
  },
  {
    name: 'granted-to-login',
    severity: 'notice',
    summary: 'an access line for a login instead of a group',
    find: (document) =>
      eachDatabase(document, (database) =>
        database.access.flatMap((rule) =>
          rule.to
            .filter((name) => (document.roles.get(name)?.kind ?? 'group') !== 'group')
            .map((name) => ({
              at: rule.at,
              subject: name,
              message: `${name} logs in and has privileges of its own`,
              safe: 'Give them to a group and make the login a member: the next login then needs no new line.',
            })),
        ),
      ),
  },
  {
    name: 'no-connection-limit',
    severity: 'notice',
    summary: 'a service that may take every connection',
    find: (document) =>
      [...document.roles.values()]
        .filter(({ kind, connectionLimit }) => kind === 'service' && connectionLimit < 0)
        .map(({ name, at }) => ({
          at,
          subject: name,
          message: `${name} may take every connection there is`,
          safe: 'Set connection_limit.',
        })),
  },
  {
    name: 'unused-profile',
    severity: 'notice',
    summary: 'a profile that no access line names',
    find: (document) => {
      const used = new Set(
        [...document.databases.values()].flatMap(({ access }) =>
          access.flatMap((rule) => (rule.kind === 'profile' ? rule.parts.map(placeOf) : [])),
        ),
      );
      return [...document.profiles.values()].flatMap(({ name, parts }) => {
        const [first] = parts;
        if (first === undefined || parts.some((part) => used.has(placeOf(part)))) return [];
        return [
          { at: first.at, subject: name, message: `profile ${name} is not used`, safe: 'Take it out, or name it in an access line.' },
        ];
      });
    },
  },
  {
    name: 'unused-group',
    severity: 'notice',
    summary: 'a group that has nothing and nobody',
    find: (document) => {
      const used = usedRoles(document);
      return [...document.roles.values()]
        .filter(({ kind, name }) => kind === 'group' && !used.has(name))
        .map(({ name, at }) => ({
          at,
          subject: name,
          message: `group ${name} has no members, owns nothing and is given nothing`,
          safe: 'Take it out.',
        }));
    },
  },
];

function placeOf({ at }: { readonly at: { readonly line: number; readonly column: number } }): string {
  return `${at.line}:${at.column}`;
}

function logins(document: RolesDocument): readonly DeclaredRole[] {
  return [...document.roles.values()].filter(({ kind }) => kind !== 'group');
}

function eachDatabase<T>(document: RolesDocument, find: (database: DeclaredDatabase) => readonly T[]): readonly T[] {
  return [...document.databases.values()].flatMap(find);
}

function usedRoles(document: RolesDocument): ReadonlySet<string> {
  const inDatabases = eachDatabase(document, (database) => [
    ...database.connect,
    ...(database.owner === undefined ? [] : [database.owner]),
    ...[...database.schemas.values()].flatMap(({ owner, creators }) => [...creators, ...(owner === undefined ? [] : [owner])]),
    ...database.access.flatMap(({ to }) => to),
    ...database.columns.flatMap(({ to }) => to),
    ...database.rowSecurity.flatMap(({ policies }) => policies.flatMap(({ to }) => to ?? [])),
    ...database.owners.map(({ owner }) => owner),
  ]);
  const members = [...document.roles.values()].flatMap(({ name, memberOf }) =>
    memberOf.length === 0 ? [] : [name, ...memberOf.map(({ role }) => role)],
  );
  return new Set([
    ...inDatabases,
    ...members,
    ...document.parameters.flatMap(({ to }) => to),
    ...document.retire.flatMap(({ reassignTo }) => reassignTo ?? []),
  ]);
}
