import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import type { ExpressionFinding, PolicyState, TableRowSecurity } from '../../../src/roles/lifecycle-state.ts';
import { policyKey } from '../../../src/roles/lifecycle-state.ts';
import { planRowSecurity } from '../../../src/roles/plan-row-security.ts';
import { changeSql } from '../../../src/roles/print.ts';
import { Refusals } from '../../../src/roles/refusal.ts';
import { declaredDigest, isSurelySame } from '../../../src/roles/row-security.ts';
import { relationKey } from '../../../src/roles/state.ts';

function policy(parts: Partial<PolicyState>): PolicyState {
  return { name: 'p', command: 'all', restrictive: false, to: undefined, using: undefined, check: undefined, comment: undefined, ...parts };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

describe('isSurelySame', () => {
  it('is for texts that are equal but for brackets around the whole', () => {
    expect(isSurelySame({ using: 'tenant = 1', check: undefined }, policy({ using: '(tenant = 1)' }))).toBe(true);
    expect(isSurelySame({ using: '(tenant = 1)', check: undefined }, policy({ using: '(tenant = 1)' }))).toBe(true);
    expect(isSurelySame({ using: '(a) or (b)', check: undefined }, policy({ using: '((a) or (b))' }))).toBe(true);
    expect(isSurelySame({ using: 'a) or (b', check: undefined }, policy({ using: '(a) or (b)' }))).toBe(false);
    expect(isSurelySame({ using: 'tenant = 1', check: 'tenant = 1' }, policy({ using: '(tenant = 1)' }))).toBe(false);
  });

  it('is for a text of which the comment says that it became what is there', () => {
    const declared = { using: 'tenant=1', check: undefined };
    const mark = `[dbadmin row_security ${declaredDigest(declared)} ${digest('(tenant = 1)\n')}]`;
    const found = policy({ using: '(tenant = 1)', comment: `see ticket 12\n${mark}` });
    expect(isSurelySame(declared, found)).toBe(true);
    expect(isSurelySame({ using: 'tenant=2', check: undefined }, found)).toBe(false);
    expect(isSurelySame(declared, { ...found, using: '(tenant = 2)' })).toBe(false);
    expect(isSurelySame(declared, { ...found, comment: `${mark} and more` })).toBe(false);
  });
});

const FILE = `version: 1
groups: { a: {} }
databases:
  d:
    schemas: { core: { owner: a } }
    row_security: [{ table: core.t, policies: [{ name: p, to: [a], using: "x -- y" }] }]`;

function plan(found: Partial<TableRowSecurity>, finding: ExpressionFinding | undefined): readonly string[] {
  const document = parseRolesDocument(FILE, 'roles.yaml');
  const declared = document.databases.get('d');
  if (declared === undefined) throw new Error('no database');
  const table: TableRowSecurity = { schema: 'core', name: 't', owner: 'a', enabled: true, forced: false, policies: [], ...found };
  const findings = new Map(finding === undefined ? [] : [[policyKey(table, 'p'), finding]]);
  const refusals = new Refusals(document);
  const changes = planRowSecurity(declared, { tables: new Map([[relationKey(table), table]]), findings }, 'manage', () => true, refusals);
  refusals.throwIfAny();
  return changes.flatMap(changeSql).filter((statement) => !statement.startsWith('DO '));
}

describe('planRowSecurity', () => {
  it('makes what is missing; a comment in an expression does not swallow the bracket', () => {
    expect(plan({ enabled: false, forced: true }, { kind: 'new' })).toEqual([
      'ALTER TABLE "core"."t" ENABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY',
      'CREATE POLICY "p" ON "core"."t" AS PERMISSIVE FOR ALL TO "a" USING (x -- y\n)',
    ]);
  });

  it('alters what can be altered, makes anew what cannot', () => {
    const there = { to: ['a'], using: 'z' };
    expect(plan({ policies: [policy(there)] }, { kind: 'differs', what: ['using'] })).toEqual([
      'ALTER POLICY "p" ON "core"."t" TO "a" USING (x -- y\n)',
    ]);
    expect(plan({ policies: [policy({ ...there, to: ['b'] })] }, { kind: 'same' })).toHaveLength(1);
    for (const other of [
      policy({ ...there, command: 'select' }),
      policy({ ...there, restrictive: true }),
      policy({ ...there, check: 'z' }),
    ]) {
      expect(plan({ policies: [other] }, { kind: 'same' })).toEqual([
        'DROP POLICY "p" ON "core"."t"',
        expect.stringContaining('CREATE POLICY "p"') as unknown,
      ]);
    }
  });

  it('sets anew what could not be compared, and does nothing about what is the same', () => {
    const there = policy({ to: ['a'], using: 'z' });
    expect(plan({ policies: [there] }, { kind: 'unknown', why: 'a standby' })).toHaveLength(1);
    expect(plan({ policies: [there] }, { kind: 'same' })).toEqual([]);
  });

  it('drops what the file does not have, refuses what the server would not take', () => {
    expect(plan({ policies: [policy({ to: ['a'], using: 'z' }), policy({ name: 'stray' })] }, { kind: 'same' })).toEqual([
      'DROP POLICY "stray" ON "core"."t"',
    ]);
    expect(() => plan({}, { kind: 'invalid', why: 'column "x" does not exist' })).toThrow(/cannot give/);
  });
});
