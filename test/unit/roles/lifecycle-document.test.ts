import { describe, expect, it } from 'vitest';
import { isDbadminError } from '../../../src/base/errors.ts';
import type { RolesDocument } from '../../../src/roles/document/document.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';

function parse(text: string): RolesDocument {
  return parseRolesDocument(`version: 1\n${text}`, 'roles.yaml');
}

function problems(text: string): readonly string[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    if (!isDbadminError(error)) throw error;
    return error.detail?.split('\n') ?? [];
  }
}

const IN_CORE = (rows: string): string => `groups: { a: {} }\ndatabases: { d: { schemas: { core: { owner: a } }, row_security: ${rows} } }`;

describe('retire', () => {
  it('reads all of it', () => {
    expect(
      parse(
        'groups: { heir: {} }\nretire:\n  - { role: old, reassign_to: heir, terminate: true, after: 2026-12-31 }\n  - { role: "Odd one" }',
      ).retire,
    ).toEqual([
      { role: 'old', at: { line: 4, column: 5 }, reassignTo: 'heir', terminate: true, after: '2026-12-31T00:00:00.000Z' },
      { role: 'Odd one', at: { line: 5, column: 5 }, reassignTo: undefined, terminate: false, after: undefined },
    ]);
  });

  it('brings its roles into the scope when there is none', () => {
    expect(parse('groups: { heir: {} }\nretire: [{ role: "old*" }]').scope.roles).toEqual(['heir', 'old\\*']);
  });

  it('finds every contradiction in the file', () => {
    const text = `
scope: { roles: ["app_*"] }
groups: { app_a: {}, app_b: { member_of: app_old } }
databases: { d: { schemas: { core: { owner: app_old } } } }
retire:
  - { role: app_a }
  - { role: app_old, reassign_to: app_gone }
  - { role: app_gone }
  - { role: app_gone }
  - { role: pg_monitor }
  - { role: other }
  - { role: app_self, reassign_to: app_self }
  - { reassign_to: app_a }
  - { role: app_x, afterwards: 2027-01-01, terminate: perhaps }`;
    expect(problems(text).map((line) => line.replace(/^roles\.yaml:(\d+):\d+: /, '$1 '))).toEqual([
      '4 member_of of role app_b names role "app_old", which is retired on line 8',
      '5 schema core names role "app_old", which is retired on line 8',
      '7 role "app_a" is declared on line 4: declare it or retire it',
      '8 reassign_to names role "app_gone", which is retired on line 9',
      '10 role "app_gone" is retired on line 9 already',
      '11 retire: "pg_monitor" is the server\'s own role and cannot be retired',
      '12 retire: role "other" is outside scope.roles',
      '13 retire: app_self cannot inherit from itself',
      '14 retire: role is missing',
      '15 retire has no key "afterwards"; it may have role, reassign_to, terminate, after',
      '15 terminate must be true or false',
    ]);
  });
});

describe('row_security', () => {
  it('reads policies with what they leave out', () => {
    const { databases } = parse(
      IN_CORE(
        '[{ table: core.play, policies: [{ name: p, using: "a = 1" }, { name: q, for: insert, to: [b, a, b], restrictive: true, check: " x " }] }]',
      ),
    );
    expect(databases.get('d')?.rowSecurity).toEqual([
      {
        table: { schema: 'core', name: 'play' },
        at: { line: 3, column: 67 },
        enable: true,
        force: false,
        policies: [
          expect.objectContaining({ name: 'p', command: 'all', restrictive: false, to: undefined, using: 'a = 1', check: undefined }),
          expect.objectContaining({ name: 'q', command: 'insert', restrictive: true, to: ['a', 'b'], using: undefined, check: 'x' }),
        ],
      },
    ]);
  });

  it('says all that is wrong, located', () => {
    const rows = `
    - { policies: [] }
    - { table: play }
    - { table: other.t }
    - { table: core.t, enable: sometimes, policies: [{ using: x }, { name: a }, { name: b, for: insert, using: x }, { name: b, for: delete, check: x }] }
    - { table: core.t }
    - { table: core.u, policies: [{ name: c, for: merge, using: "x) or (y" }, { name: d, to: [public, a], using: "true; drop table t" }] }`;
    expect(
      problems(`groups: { a: {} }\ndatabases:\n  d:\n    schemas: { core: { owner: a } }\n    row_security:${rows}`).map((line) =>
        line.replace(/^roles\.yaml:(\d+):\d+: /, '$1 '),
      ),
    ).toEqual([
      '7 row_security: table is missing',
      '8 table is "play"; write schema.name, with double quotes around parts that need them',
      '9 schema "other" is not declared under schemas',
      '10 enable must be true or false',
      '10 row policy: name is missing',
      '10 row policy a: write using, check or both',
      '10 row policy b: for insert there is only check, because there is no row yet',
      '10 row policy b: for delete there is only using, because no row is made',
      '10 row policy "b" stands here twice',
      '11 row_security of core.t stands on line 10 already',
      '12 for of row policy c is "merge"; it may be all, select, insert, update, delete',
      '12 using of row policy c: ")" closes nothing',
      '12 to of row policy d: public is everybody already',
      '12 using of row policy d: it holds a semicolon: write one expression',
    ]);
  });
});
