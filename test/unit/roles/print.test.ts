import fc from 'fast-check';
import { parseSync, loadModule } from 'libpg-query';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../../src/roles/change.ts';
import { changeSql, passwordSql } from '../../../src/roles/print.ts';
import { quoteIdentifier, quoteLiteral } from '../../../src/roles/quote.ts';
import { PUBLIC, role } from '../../../src/roles/state.ts';

const TRICKY = ['a b', 'x"; DROP TABLE t; --', "it's", 'public', 'select', 'É', '$$', '\\', 'a.b'];

beforeAll(async () => {
  await loadModule();
});

function parsed(sql: string): unknown {
  return (parseSync(sql) as { stmts: { stmt: unknown }[] }).stmts;
}

describe('quoteIdentifier', () => {
  it('gives one identifier that the server reads back unchanged, whatever the name', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom(...TRICKY),
          fc.string({ minLength: 1, maxLength: 15 }).filter((name) => !name.includes('\0')),
        ),
        (name) => {
          const statements = parsed(`DROP ROLE ${quoteIdentifier(name)}`) as {
            stmt: { DropRoleStmt: { roles: { RoleSpec: { rolename?: string } }[] } };
          }[];
          expect(statements).toHaveLength(1);
          const read = statements[0]?.stmt.DropRoleStmt.roles[0]?.RoleSpec;
          // In the place of a role the server's grammar takes "public" and "none" for something else even in quotes.
          if (name !== 'public' && name !== 'none') expect(read?.rolename).toBe(name);
        },
      ),
      { seed: 61 },
    );
  });

  it.each(['', 'a\0b', 'x'.repeat(64), 'é'.repeat(32)])('refuses %j', (name) => {
    expect(() => quoteIdentifier(name)).toThrow();
  });
});

describe('quoteLiteral', () => {
  it('gives one string that the server reads back unchanged', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom(...TRICKY),
          fc.string().filter((text) => !text.includes('\0')),
        ),
        (text) => {
          const statements = parsed(`COMMENT ON ROLE r IS ${quoteLiteral(text)}`) as { stmt: { CommentStmt: { comment?: string } } }[];
          expect(statements).toHaveLength(1);
          expect(statements[0]?.stmt.CommentStmt.comment ?? '').toBe(text);
        },
      ),
      { seed: 62 },
    );
  });
});

describe('changeSql', () => {
  const privilege: Change = {
    kind: 'privilege',
    action: 'revoke',
    database: 'd',
    on: { kind: 'table', schema: 's"1', names: ['t 1', 't"2'], all: false },
    privileges: ['SELECT', 'INSERT'],
    grantee: role('public '),
    grantable: false,
    grantor: 'mid',
    actAs: 'mid',
    depth: 1,
  };

  it('revokes as the grantor', () => {
    expect(changeSql(privilege)).toEqual([
      'SET LOCAL ROLE "mid"',
      'REVOKE SELECT, INSERT ON TABLE "s""1"."t 1", "s""1"."t""2" FROM "public "',
      'RESET ROLE',
    ]);
  });

  it('writes PUBLIC for everybody and ALL for a complete set', () => {
    const change: Change = {
      ...privilege,
      action: 'grant',
      grantee: PUBLIC,
      actAs: undefined,
      on: { kind: 'routine', schema: 's', names: ['f()', 'g()'], all: true },
    };
    expect(changeSql({ ...change, privileges: ['EXECUTE'] })).toEqual(['GRANT EXECUTE ON ALL ROUTINES IN SCHEMA "s" TO PUBLIC']);
  });

  it('never names more than 1,000 objects in a statement', () => {
    const names = Array.from({ length: 2001 }, (_, index) => `t${index}`);
    const statements = changeSql({ ...privilege, actAs: undefined, on: { kind: 'table', schema: 's', names, all: false } });
    expect(statements.map((statement) => statement.split('"."').length - 1)).toEqual([1000, 1000, 1]);
  });

  it('gives each element of a list setting a literal of its own', () => {
    const change: Change = { kind: 'setting', role: 'r', database: 'd', name: 'search_path', value: ['app', 'Odd, one'], was: undefined };
    expect(changeSql(change)).toEqual([`ALTER ROLE "r" IN DATABASE "d" SET "search_path" TO 'app', 'Odd, one'`]);
  });

  it('every kind of statement is SQL that PostgreSQL parses', () => {
    const edge = { role: 'g', member: 'm', grantor: 'b' } as const;
    const changes: readonly Change[] = [
      privilege,
      { ...privilege, action: 'revoke-option', on: { kind: 'database', name: 'd' }, privileges: ['CONNECT', 'TEMPORARY'] },
      {
        ...privilege,
        action: 'grant',
        grantable: true,
        on: { kind: 'type', schema: 's', names: ['t'], all: false },
        privileges: ['USAGE'],
      },
      {
        kind: 'create-role',
        role: 'r',
        login: true,
        attributes: { superuser: true, inherit: false },
        connectionLimit: 3,
        validUntil: '2027-01-31T00:00:00.000Z',
      },
      { kind: 'alter-role', role: 'r', attributes: { bypassrls: false }, validUntil: null, was: { attributes: {} } },
      { kind: 'comment-role', role: 'r', comment: '', was: 'x' },
      { kind: 'grant-membership', ...edge, admin: true, inherit: false, set: true, until: undefined, was: undefined },
      { kind: 'revoke-membership', ...edge, what: 'admin', depth: 0, ended: undefined },
      { kind: 'setting', role: undefined, database: 'd', name: 'app.tenant', value: undefined, was: 'x' },
      { kind: 'create-schema', database: 'd', schema: 's', owner: 'o' },
      { kind: 'own-schema', database: 'd', schema: 's', owner: 'o', was: 'p' },
      {
        kind: 'default',
        action: 'grant',
        database: 'd',
        creator: 'c',
        schema: 's',
        of: 'routine',
        privileges: ['EXECUTE'],
        grantee: role('g'),
        grantable: true,
      },
      {
        kind: 'default',
        action: 'revoke',
        database: 'd',
        creator: 'c',
        schema: undefined,
        of: 'schema',
        privileges: ['USAGE', 'CREATE'],
        grantee: PUBLIC,
        grantable: false,
      },
    ];
    for (const statement of changes.flatMap(changeSql)) expect(() => parsed(statement), statement).not.toThrow();
    expect(() => parsed(passwordSql('r', undefined))).not.toThrow();
  });
});
