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
    ['the thirtieth of February, at a time', 'version: 1\nhumans: { a: { valid_until: 2027-02-30T10:00:00Z } }', 'valid_until'],
    ['an hour that is none', 'version: 1\nhumans: { a: { valid_until: 2027-02-03T25:00:00Z } }', 'valid_until'],
    [
      'a membership without an end that has one',
      'version: 1\ngroups: { g: {} }\nhumans: { a: { member_of: { role: g, until: -infinity } } }',
      'until',
    ],
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

  it.each([
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31T18:00:00+05:30', '2027-01-31T12:30:00.000Z'],
    ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000Z'],
    ['infinity', undefined],
    ['-infinity', '-infinity'],
  ])('takes valid_until %s', (text, end) => {
    expect(parse(`version: 1\nhumans: { a: { valid_until: ${text} } }`).roles.get('a')?.validUntil).toBe(end);
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

  it('reads every part of the language', () => {
    const document = parse(`version: 1
mode: exact
profiles: { p: { views: select, procedures: execute } }
groups: { a: {} }
databases:
  d:
    owner: a
    schemas: { s: { owner: a, owns: [tables, routines] }, closed: { creators: [] } }
    access:
      - { grant: [usage], on: server lake, to: a }
      - { grant: [usage], on: fdw files, to: a, with_grant_option: true }
      - { grant: create, on: tablespace "Fast one", to: a }
      - { grant: select, on: materialized view s.*, to: a }
      - { profile: p, on: closed, to: a }
      - { grant: execute, on: "aggregate s.total(integer)", to: a }
    columns:
      - { on: table s.t, to: a, deny: [token] }
      - { on: view s.v, to: a, allow: [id], privileges: [update, references] }
    row_security:
      - { table: s.t, enable: true, force: true, policies: [{ name: own, for: all, to: [a], using: "true", check: "true" }] }
parameters: [{ grant: [set, alter system], on: [log_statement, App.Level], to: a }]
retire: [{ role: old, reassign_to: a, terminate: true, after: 2026-12-31 }]
never: ["svc_* can not update on table s.t", "no login is superuser except postgres"]
`);
    const database = document.databases.get('d');
    expect(database?.owner).toBe('a');
    expect(database?.schemas.get('s')?.owns).toEqual(['table', 'routine']);
    expect(database?.access).toMatchObject([
      { on: { kind: 'server', name: 'lake' }, grantable: false },
      { on: { kind: 'foreign data wrapper', name: 'files' }, grantable: true },
      { on: { kind: 'tablespace', name: 'Fast one' }, privileges: ['CREATE'] },
      { kind: 'profile', schemas: ['s'], parts: [{ kind: 'table', only: 'materialized view' }] },
      {
        kind: 'profile',
        parts: [
          { kind: 'table', only: 'view' },
          { kind: 'routine', only: 'procedure' },
        ],
      },
      { on: { kind: 'routine', schema: 's', name: 'total', argumentTypes: 'integer', only: 'aggregate' } },
    ]);
    expect(database?.columns).toMatchObject([
      { on: { schema: 's', name: 't' }, rule: 'deny', columns: ['token'], privileges: ['SELECT'] },
      { on: { schema: 's', name: 'v', only: 'view' }, rule: 'allow', columns: ['id'], privileges: ['UPDATE', 'REFERENCES'] },
    ]);
    expect(document.parameters).toMatchObject([
      { privileges: ['SET', 'ALTER SYSTEM'], parameters: ['log_statement', 'app.level'], to: ['a'] },
    ]);
  });

  const inDatabase = (lines: string): string =>
    `version: 1\ngroups: { a: {} }\ndatabases: { d: { schemas: { s: { owner: a } }, ${lines} } }`;

  it.each([
    [
      'a large object',
      'access: [{ grant: select, on: large object 4711, to: a }]',
      'privileges on large objects are reported, not managed',
    ],
    ['a parameter in a database', 'access: [{ grant: set, on: parameter work_mem, to: a }]', 'write it under parameters'],
    [
      'a privilege that a kind does not have',
      'access: [{ grant: select, on: server lake, to: a }]',
      'there is no privilege "select" on a server; it may be usage',
    ],
    ['new objects alone', 'access: [{ grant: select, on: new tables in s, to: a }]', 'named under grants'],
    ['both allow and deny', 'columns: [{ on: table s.t, to: a, allow: x, deny: y }]', 'write either allow or deny'],
    ['columns of nothing', 'columns: [{ on: table s.t, to: a, allow: [] }]', 'name at least one'],
    ['columns of a schema', 'columns: [{ on: schema s, to: a, allow: x }]', 'on must be one table'],
    ['columns of every table', 'columns: [{ on: table s.*, to: a, allow: x }]', 'on must be one table'],
    [
      'a privilege that columns do not have',
      'columns: [{ on: table s.t, to: a, allow: x, privileges: delete }]',
      'there is no privilege "delete" on a column',
    ],
    ['a column of 64 bytes', `columns: [{ on: table s.t, to: a, allow: ${'x'.repeat(64)} }]`, 'has 64 bytes'],
    ['two words for a name', 'access: [{ grant: usage, on: server big lake, to: a }]', 'too much'],
    ['a type of routines without arguments', 'access: [{ grant: execute, on: procedure s.p, to: a }]', 'argument types'],
  ])('refuses in a database %s', (_name, lines, message) => {
    expect(problems(inDatabase(lines)).join('\n')).toContain(message);
  });

  it.each([
    ['owns without an owner', 'databases: { d: { schemas: { s: { owns: all } } } }', 'whose? say owner'],
    [
      'owns of what nobody owns',
      'groups: { a: {} }\ndatabases: { d: { schemas: { s: { owner: a, owns: [views] } } } }',
      'it may be all, tables',
    ],
    [
      'a parameter with SQL in its name',
      'groups: { a: {} }\nparameters: [{ grant: set, on: "x; drop", to: a }]',
      'not the name of a parameter',
    ],
    ['a parameter for nobody', 'parameters: [{ grant: set, on: work_mem }]', 'to is missing'],
  ])('refuses %s', (_name, text, message) => {
    expect(problems(`version: 1\n${text}`).join('\n')).toContain(message);
  });
});
