import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/roles/change.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { withoutSchemas } from '../../../src/roles/document/without-schemas.ts';
import { onlyChanges } from '../../../src/roles/only.ts';
import { PUBLIC, role } from '../../../src/roles/state.ts';

const FILE = `
version: 1
profiles: { reader: { tables: [select] } }
groups: { a: {}, b: {} }
databases:
  music:
    connect: [a]
    schemas: { raw: { owner: a }, core: { owner: a } }
    access:
      - { profile: reader, on: [raw, core], to: b, except: [raw.secret, core.secret] }
      - { profile: reader, on: raw, to: b }
      - { grant: select, on: table raw.song, to: b }
      - { grant: usage, on: schema raw, to: b }
      - { grant: select, on: table core.play, to: b }
      - { grant: usage, on: server lake, to: b }
    grants: [{ grant: select, on: new tables in raw, by: a, to: b }, { grant: select, on: new tables in core, by: a, to: b }]
    columns: [{ on: table raw.song, to: b, allow: [id] }, { on: table core.play, to: b, allow: [id] }]
    row_security: [{ table: raw.song }, { table: core.play }]
    owners: [{ owner: a, of: [table raw.song, table core.play] }]
  other: { schemas: { raw: { owner: a } } }
`;

describe('withoutSchemas', () => {
  const document = parseRolesDocument(FILE, 'roles.yaml');

  it('leaves nothing that speaks of them, and everything else', () => {
    const left = withoutSchemas(document, 'music', new Set(['raw'])).databases.get('music');
    expect(JSON.stringify([left?.access, left?.columns, left?.rowSecurity, left?.owners, [...(left?.schemas.keys() ?? [])]])).not.toContain(
      'raw',
    );
    expect(left?.access.map((rule) => rule.kind)).toEqual(['profile', 'named', 'named', 'future']);
    expect(left?.access[0]).toMatchObject({ schemas: ['core'], except: [{ schema: 'core', name: 'secret' }] });
    expect([left?.columns.length, left?.rowSecurity.length, left?.owners.length, left?.connect]).toEqual([1, 1, 1, ['a']]);
  });

  it('touches no other database, and nothing without schemas', () => {
    expect(withoutSchemas(document, 'music', new Set(['raw'])).databases.get('other')).toBe(document.databases.get('other'));
    expect(withoutSchemas(document, 'music', new Set())).toBe(document);
    expect(withoutSchemas(document, 'elsewhere', new Set(['raw']))).toBe(document);
  });
});

describe('onlyChanges', () => {
  const grant = (to: string, schema: string): Change => ({
    kind: 'privilege',
    action: 'grant',
    database: 'music',
    on: { kind: 'table', schema, names: ['t'], all: false },
    privileges: ['SELECT'],
    grantee: to === 'public' ? PUBLIC : role(to),
    grantable: false,
    grantor: 'owner',
    actAs: undefined,
    depth: 0,
  });
  const changes: readonly Change[] = [
    { kind: 'create-role', role: 'svc_api', attributes: {} },
    { kind: 'setting', role: undefined, database: 'music', name: 'jit', value: 'off', was: undefined },
    { kind: 'revoke-membership', role: 'app_reader', member: 'svc_api', grantor: undefined, what: 'edge', depth: 0, ended: undefined },
    grant('svc_api', 'core'),
    grant('public', 'core'),
    { kind: 'own-schema', database: 'music', schema: 'core', owner: 'app_owner', was: 'postgres' },
    { kind: 'drop-policy', database: 'music', schema: 'core', table: 't', name: 'p', restrictive: false, isReplaced: false },
    { kind: 'drop-role', role: 'svc_old', because: 'retired' },
  ];
  const kinds = (...globs: string[]): readonly string[] => onlyChanges(changes, globs).map(({ kind }) => kind);

  it.each([
    [['svc_api'], ['create-role', 'revoke-membership', 'privilege']],
    [['svc_*'], ['create-role', 'revoke-membership', 'privilege', 'drop-role']],
    [['core'], ['privilege', 'privilege', 'own-schema', 'drop-policy']],
    [
      ['app_owner', 'svc_old'],
      ['own-schema', 'drop-role'],
    ],
    // The group is not what such a change is about: its member is.
    [['app_reader'], []],
  ])('%j: %j', (globs, found) => {
    expect(kinds(...globs)).toEqual(found);
  });
});
