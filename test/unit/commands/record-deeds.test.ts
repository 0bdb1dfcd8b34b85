import { describe, expect, it } from 'vitest';
import { deedOf } from '../../../src/commands/roles/record-deeds.ts';
import type { Change, PrivilegeChange } from '../../../src/roles/change.ts';
import { PUBLIC, role } from '../../../src/roles/state.ts';

const revoke: PrivilegeChange = {
  kind: 'privilege',
  action: 'revoke',
  database: 'music',
  on: { kind: 'table', schema: 'core', names: ['a', 'b'], all: false },
  privileges: ['SELECT'],
  grantee: role('ann'),
  grantable: false,
  grantor: 'owner',
  actAs: undefined,
  depth: 0,
};

function deeds(change: Change): ReturnType<typeof deedOf> {
  return deedOf(change, (name) => name === 'there');
}

describe('deedOf', () => {
  it('keeps what takes something away for good', () => {
    expect(deeds({ kind: 'drop-role', role: 'old', because: 'retired' })).toEqual([{ kind: 'role-dropped', role: 'old' }]);
    expect(deeds({ kind: 'alter-role', role: 'ann', login: false, attributes: {}, was: { attributes: {} } })).toEqual([
      { kind: 'role-disabled', role: 'ann' },
    ]);
    expect(
      deeds({ kind: 'revoke-membership', role: 'team', member: 'ann', grantor: undefined, what: 'edge', depth: 0, ended: undefined }),
    ).toEqual([{ kind: 'membership-revoked', role: 'team', member: 'ann' }]);
    expect(deeds(revoke)).toEqual(
      ['a', 'b'].map((name) => ({
        kind: 'privilege-revoked',
        database: 'music',
        grantee: 'ann',
        privileges: ['SELECT'],
        on: { kind: 'table', schema: 'core', name },
      })),
    );
    expect(deeds({ ...revoke, grantee: PUBLIC, on: { kind: 'schema', name: 'core' } })).toMatchObject([
      { grantee: 'PUBLIC', on: { kind: 'schema', schema: undefined, name: 'core' } },
    ]);
  });

  it('is of each grantee of a statement, and of a role that is locked out before it goes', () => {
    const made = { ...revoke, on: { kind: 'schema', name: 'core' }, others: [role('ben'), PUBLIC] } as const;
    expect(deeds(made)).toMatchObject([{ grantee: 'ann' }, { grantee: 'ben' }, { grantee: 'PUBLIC' }]);
    expect(deeds({ kind: 'retire-login', role: 'old', because: 'retired' })).toEqual([{ kind: 'role-disabled', role: 'old' }]);
  });

  it('says all tables once, and leaves long lists of single ones to roles.yaml', () => {
    const names = Array.from({ length: 101 }, (_, index) => `t${index}`);
    expect(deeds({ ...revoke, on: { kind: 'table', schema: 'core', names, all: true } })).toMatchObject([
      { on: { kind: 'all-tables', name: 'core' } },
    ]);
    expect(deeds({ ...revoke, on: { kind: 'table', schema: 'core', names, all: false } })).toEqual([]);
  });

  it('a password is rotated when the role had one before, and nothing that is given is a deed', () => {
    expect(deeds({ kind: 'password', role: 'there', action: 'set', source: '' })).toEqual([
      { kind: 'password-rotated', role: 'there', verifier: null },
    ]);
    expect(deeds({ kind: 'password', role: 'new', action: 'set', source: '' })).toEqual([]);
    expect(deeds({ kind: 'password', role: 'there', action: 'generate', source: '' })).toHaveLength(1);
    expect(deeds({ kind: 'password', role: 'there', action: 'remove', source: '' })).toEqual([]);
    expect(deeds({ ...revoke, action: 'grant' })).toEqual([]);
    expect(deeds({ ...revoke, action: 'revoke-option' })).toEqual([]);
    expect(deeds({ kind: 'create-role', role: 'new', attributes: {} })).toEqual([]);
  });
});
