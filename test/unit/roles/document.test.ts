import { describe, expect, it } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import type { RolesDocument } from '../../../src/roles/document/document.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';

function problems(text: string): readonly string[] {
  try {
    parseRolesDocument(text, 'roles.yaml');
  } catch (error) {
    if (error instanceof DbadminError && error.code === 'roles-invalid') return (error.detail ?? '').split('\n');
    throw error;
  }
  return [];
}

function parse(text: string): RolesDocument {
  return parseRolesDocument(text, 'roles.yaml');
}

describe('parseRolesDocument', () => {
  it('gives every problem at once, in the order of the file, with line and column', () => {
    const found = problems(`version: 2
mode: sometimes
groups:
  a: { member_of: [b] }
  b: { member_of: a }
services:
  svc: { conection_limit: 4, valid_until: 2027-02-31, password: hunter2 }
databases:
  d:
    schemas: { s: {} }
    access:
      - { profile: nope, on: s, to: a }
      - { grant: [select, usage], on: table s.x, to: ghost }
`);
    expect(found).toEqual([
      'roles.yaml:1:10: version is 2; this dbadmin reads 1',
      'roles.yaml:2:7: mode is "sometimes"; it may be add, manage, exact',
      'roles.yaml:4:3: membership runs in a circle: a → b → a',
      'roles.yaml:7:10: role svc has no key "conection_limit"; it may have comment, member_of, attributes, connection_limit, valid_until, password, auth, settings, settings_in',
      'roles.yaml:7:43: valid_until of role svc is "2027-02-31"; write 2027-01-31 or 2027-01-31T18:00:00+05:30',
      'roles.yaml:7:65: password of role svc may not stand in the file; write { from: env, name: … } or another source',
      'roles.yaml:12:20: there is no profile "nope"',
      'roles.yaml:13:9: to names role "ghost", which is not declared under groups, services or humans',
      'roles.yaml:13:27: grant in access of database d: there is no privilege "usage" on a table; it may be select, insert, update, delete, truncate, references, trigger, maintain',
    ]);
  });

  it.each([
    ['a key twice', 'version: 1\ngroups: { a: {}, a: {} }', '2:18: this key stands twice'],
    ['a tab and broken flow', 'version: 1\ngroups: { a: {', 'not YAML 1.2'],
    ['an alias', 'version: 1\ngroups: { a: &x {}, b: *x }', '2:24: alias *x is not allowed'],
    ['two documents', 'version: 1\n---\nversion: 1', 'more than one document'],
    ['no version', 'groups: {}', '1:1: version is missing'],
    ['nothing at all', '', '1:1: version is missing'],
    ['a list at the top', '- version', '1:1: the file must be a mapping'],
    ['a name of 64 bytes', `version: 1\ngroups: { ${'x'.repeat(64)}: {} }`, 'has 64 bytes; PostgreSQL keeps 63'],
    ['a name of 63 characters and 64 bytes', `version: 1\ngroups: { "${'x'.repeat(62)}é": {} }`, 'has 64 bytes'],
    ['an empty name', 'version: 1\ngroups: { "": {} }', 'a name may not be empty'],
    ['a NUL in a name', 'version: 1\ngroups: { "a\\0b": {} }', 'NUL'],
    ['a role called public', 'version: 1\ngroups: { "public": {} }', '"public" cannot be the name of a role'],
    ['a role called none', 'version: 1\nservices: { none: {} }', '"none" cannot be the name of a role'],
    ['a role of the server', 'version: 1\ngroups: { pg_mine: {} }', 'names that begin with pg_'],
    ['a member of itself', 'version: 1\ngroups: { a: { member_of: a } }', 'cannot be a member of itself'],
    ['the same role twice', 'version: 1\ngroups: { a: {} }\nhumans: { a: {} }', 'role "a" is declared on line 2 already'],
    ['a role outside the scope', 'version: 1\nscope: { roles: [app_*] }\ngroups: { b: {} }', 'outside scope.roles'],
    [
      'PUBLIC in to',
      'version: 1\ndatabases: { d: { schemas: { s: { owner: a } }, access: [{ grant: usage, on: schema s, to: public }] } }',
      'set with public:',
    ],
    ['a system schema', 'version: 1\ndatabases: { d: { schemas: { pg_catalog: {} } } }', "the server's own"],
    [
      'a schema that is not declared',
      'version: 1\ngroups: { a: {} }\ndatabases: { d: { access: [{ grant: select, on: table x.t, to: a }] } }',
      'schema "x" is not declared',
    ],
    [
      'access to future objects of nobody',
      'version: 1\ngroups: { a: {} }\nprofiles: { p: { tables: [select] } }\ndatabases: { d: { schemas: { s: {} }, access: [{ profile: p, on: s, to: a }] } }',
      'needs owner or creators',
    ],
    ['profiles in a circle', 'version: 1\nprofiles: { p: { include: q }, q: { include: p } }', 'profile p includes q includes p'],
    [
      'a routine without arguments',
      'version: 1\ngroups: { a: {} }\ndatabases: { d: { schemas: { s: {} }, access: [{ grant: execute, on: routine s.f, to: a }] } }',
      'argument types',
    ],
    [
      'an upper-case name without quotes',
      'version: 1\ngroups: { a: {} }\ndatabases: { d: { schemas: { s: {} }, access: [{ grant: select, on: table s.Play, to: a }] } }',
      'double quotes',
    ],
    ['a password for a group', 'version: 1\ngroups: { a: { password: { from: env, name: X } } }', 'does not log in'],
    [
      'a password beside another way to log in',
      'version: 1\nservices: { a: { auth: cert, password: { from: env, name: X } } }',
      'logs in by cert',
    ],
    ['a time without an offset', 'version: 1\nhumans: { a: { valid_until: "2027-01-31 10:00" } }', 'valid_until'],
    ['a setting with SQL in its name', 'version: 1\nservices: { a: { settings: { "x; drop": 1 } } }', 'not the name of a setting'],
  ])('refuses %s', (_name, text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });

  it('never repeats a password that somebody wrote into the file', () => {
    expect(problems('version: 1\nservices: { a: { password: hunter2 } }').join('')).not.toContain('hunter2');
  });

  it('takes names with quotes, spaces, dots, 63 bytes, and public as a schema', () => {
    const name = `é${'x'.repeat(61)}`;
    const document = parse(`version: 1
groups: { 'a "b" c.d': {}, ${name}: {}, true: {}, 1: {} }
databases: { "my db": { schemas: { "public": { owner: "${name}" }, 'o"dd.one': {} }, access: [{ grant: select, on: 'table "o""dd.one"."T 1"', to: ['a "b" c.d'] }] } }
`);
    expect([...document.roles.keys()]).toEqual(['a "b" c.d', name, 'true', '1']);
    expect(document.databases.get('my db')?.access[0]).toMatchObject({
      on: { kind: 'table', schema: 'o"dd.one', name: 'T 1' },
      to: ['a "b" c.d'],
    });
  });

  it('reads keys like on: as YAML 1.2 has them', () => {
    expect(parse('version: 1\nservices: { a: { settings: { jit: off, application_name: yes } } }').roles.get('a')?.settings).toEqual(
      new Map([
        ['jit', 'off'],
        ['application_name', 'yes'],
      ]),
    );
  });

  it('merges what a profile includes', () => {
    const document = parse('version: 1\nprofiles: { r: { tables: select }, w: { include: [r], tables: [insert], sequences: all } }');
    expect(document.profiles.get('w')?.parts.map(({ kind, privileges }) => ({ kind, privileges }))).toEqual([
      { kind: 'table', privileges: ['SELECT'] },
      { kind: 'table', privileges: ['INSERT'] },
      { kind: 'sequence', privileges: 'all' },
    ]);
  });

  it('takes its scope from what the file declares when it says none', () => {
    const { scope } = parse('version: 1\ngroups: { a: {}, "b*": {} }\ndatabases: { d: { schemas: { s: {} } } }');
    expect(scope).toMatchObject({ roles: ['a', 'b\\*'], databases: ['d'] });
    expect(scope.schemas).toEqual(new Map([['d', ['s']]]));
  });

  it('reads every part of the language and notes by name what is not applied', () => {
    const document = parse(`version: 1
mode: exact
groups: { a: {} }
databases:
  d:
    schemas: { s: { owner: a } }
    access:
      - { grant: [usage], on: server lake, to: a }
      - { grant: [usage], on: foreign data wrapper fdw, to: a }
    columns: [{ on: table s.t, to: a, deny: [token] }]
    row_security:
      - { table: s.t, enable: true, force: true, policies: [{ name: own, for: all, to: [a], using: "true", check: "true" }] }
parameters: [{ grant: [set], on: log_statement, to: a }]
retire: [{ role: old, reassign_to: a, terminate: true, after: 2026-12-31 }]
never: ["svc_* can not update on table s.t", "no login is superuser except postgres"]
`);
    expect(document.unsupported.map(({ what, at }) => `${at.line}: ${what}`)).toEqual([
      '8: grant on server lake',
      '9: grant on foreign data wrapper fdw',
      '10: columns on table s.t',
      '12: row_security of s.t',
      '13: parameters on log_statement',
      '14: retire of old',
      '15: never "svc_* can not update on table s.t"',
      '15: never "no login is superuser except postgres"',
      '2: mode exact (it drops roles)',
    ]);
  });
});
