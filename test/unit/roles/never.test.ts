import { describe, expect, test } from 'vitest';
import { guardPlan, refuseBroken } from '../../../src/roles/access/guard.ts';
import { checkNever } from '../../../src/roles/access/never.ts';
import type { NeverRule } from '../../../src/roles/document/never.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { role } from '../../../src/roles/state.ts';
import { aGraph, anEdge, anEntry, aRole, someTables } from './access-graph.ts';

function rules(...texts: string[]): readonly NeverRule[] {
  return parseRolesDocument(JSON.stringify({ version: 1, never: texts }), 'roles.yaml').never;
}

function problems(...texts: string[]): string {
  try {
    rules(...texts);
    return '';
  } catch (error) {
    return error instanceof Error && 'detail' in error ? String(error.detail) : '';
  }
}

describe('a never rule', () => {
  test('is read in each of its forms, with names in quotes meant to the letter', () => {
    expect(rules('svc_*, "odd on *" can not update, delete on table core."T on 2" in database music except svc_ok')).toMatchObject([
      {
        kind: 'can',
        who: { who: ['svc_*', 'odd on \\*'], except: ['svc_ok'] },
        privileges: ['UPDATE', 'DELETE'],
        on: { kind: 'table', schema: 'core', name: 'T on 2' },
        database: 'music',
      },
    ]);
    expect(rules('public can not execute on function core.f(int, text)')).toMatchObject([
      { who: { who: 'public' }, on: { kind: 'routine', name: 'f', argumentTypes: 'int, text' } },
    ]);
    expect(
      rules('no login can select on column core.t.email except ann', 'no role is superuser', 'svc_* can not be member of "Own er"'),
    ).toMatchObject([
      { kind: 'can', who: { who: 'login', except: ['ann'] }, on: { kind: 'column', column: 'email' } },
      { kind: 'is', who: { who: 'role' }, what: { kind: 'attribute', attribute: 'superuser' } },
      { kind: 'is', what: { kind: 'member', role: 'Own er' } },
    ]);
    expect(rules('svc_* can not alter system on parameter log_statement')).toMatchObject([{ privileges: ['ALTER SYSTEM'] }]);
  });

  test('that cannot be meant is refused with its place and what is wrong', () => {
    expect(problems('nobody may do this')).toMatch(/^roles\.yaml:1:\d+: never: "nobody may do this" is not a rule/);
    expect(problems('svc_* can not execute on table a.b')).toMatch(/a table has no privilege execute; it has select/);
    expect(problems('svc_* can not select on table b')).toMatch(/after table comes schema\.name/);
    expect(problems('svc_* can not select on column *.b.c')).toMatch(/name the table of a column in full/);
    expect(problems('no login is rich')).toMatch(/nothing a role can be/);
    expect(problems('team a can not select on table a.b')).toMatch(/put a name with spaces in double quotes/);
    expect(problems(`svc can not select on table a.${'x'.repeat(64)}`)).toMatch(/64 bytes/);
  });
});

describe('never rules held against a cluster', () => {
  const graph = aGraph({
    roles: [aRole('svc_api'), aRole('svc_etl'), aRole('writer', {}, false)],
    memberships: [anEdge('svc_api', 'writer'), anEdge('svc_etl', 'writer', { inherit: false })],
    groups: [someTables(['audit_log', 'play'], [anEntry('writer', 'UPDATE')])],
    database: { columnNames: new Map([['["core","play"]', ['id', 'email']]]) },
  });

  test('find who breaks them, at once and after SET ROLE, with the way', () => {
    const { violations, idle } = checkNever(rules('svc_* can not update on table core.audit_log'), graph);
    expect(violations).toMatchObject([
      { role: 'svc_api', what: 'has UPDATE on table core.audit_log', how: 'member of writer (inherit) → UPDATE granted by owner' },
      { role: 'svc_etl', how: 'only after SET ROLE writer (UPDATE granted by owner)' },
    ]);
    expect(idle).toEqual([]);
  });

  test('take patterns of objects, columns and exceptions, and count what is broken', () => {
    expect(checkNever(rules('svc_api can not update on table core.*'), graph).violations).toMatchObject([{ objects: 2 }]);
    expect(checkNever(rules('svc_api can not update on column core.play.e*'), graph).violations).toMatchObject([
      { what: 'has UPDATE on column core.play.email' },
    ]);
    expect(checkNever(rules('svc_* can not update on table core.play except svc_*'), graph).violations).toEqual([]);
    expect(checkNever(rules('svc_* can not delete on table core.play'), graph).violations).toEqual([]);
  });

  test('hold superusers to it too, also who can become one', () => {
    const strong = { ...graph, memberships: [...graph.memberships, anEdge('svc_etl', 'postgres', { inherit: false })] };
    expect(checkNever(rules('no login is superuser except postgres'), graph).violations).toEqual([]);
    expect(checkNever(rules('no login is superuser except postgres'), strong).violations).toMatchObject([
      { role: 'svc_etl', what: 'is superuser', how: 'after SET ROLE postgres' },
    ]);
    expect(checkNever(rules('no login can select on table core.play'), graph).violations).toMatchObject([
      { role: 'postgres', how: 'superuser' },
    ]);
    expect(checkNever(rules('svc_* can not be member of writer'), graph).violations).toMatchObject([
      { role: 'svc_api', how: 'svc_api → writer' },
      { role: 'svc_etl' },
    ]);
  });

  test('about objects that are not there guard nothing, and are named', () => {
    const [gone] = checkNever(rules('svc_* can not update on table core.audit_lgo'), graph).idle;
    expect(gone?.text).toBe('svc_* can not update on table core.audit_lgo');
  });

  test('PUBLIC is held to what everybody has', () => {
    const open = aGraph({ roles: [], groups: [someTables(['play'], [anEntry('PUBLIC', 'SELECT')])] });
    expect(checkNever(rules('public can not select on table core.play'), open).violations).toMatchObject([
      { role: 'PUBLIC', how: 'SELECT to PUBLIC granted by owner' },
    ]);
  });

  test('tell a plan that would break one from a plan that ends it', () => {
    const change = {
      kind: 'privilege',
      database: 'music',
      on: { kind: 'table', schema: 'core', names: ['play'], all: false },
      privileges: ['DELETE'],
      grantee: role('svc_api'),
      grantable: false,
      grantor: 'owner',
      actAs: undefined,
      depth: 0,
    } as const;
    const breaks = guardPlan(rules('svc_* can not delete on table core.*'), graph, [{ ...change, action: 'grant' }]);
    expect(breaks.broken).toMatchObject([{ when: 'after', role: 'svc_api' }]);
    expect(() => refuseBroken('roles.yaml', breaks)).toThrow(/the plan would break a rule under never/);
    const ends = guardPlan(rules('svc_* can not update on table core.*'), graph, [
      {
        ...change,
        action: 'revoke',
        privileges: ['UPDATE'],
        grantee: role('writer'),
        on: { ...change.on, names: ['play', 'audit_log'], all: true },
      },
    ]);
    expect(ends.broken.map(({ when }) => when)).toEqual(['now', 'now']);
    expect(() => refuseBroken('roles.yaml', ends)).not.toThrow();
  });
});
