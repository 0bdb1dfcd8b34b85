import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/roles/change.ts';
import { orderChanges } from '../../../src/roles/order.ts';
import { planTransactions } from '../../../src/roles/transactions.ts';

const create: Change = { kind: 'create-role', role: 'heir', attributes: {} };
const schema = (database: string): Change => ({ kind: 'create-schema', database, schema: 's', owner: 'heir' });
const owned = (database: string): Change => ({ kind: 'retire-owned', database, role: 'old', reassignTo: 'heir', owned: 1, loses: [] });
const end: readonly Change[] = [
  { kind: 'drop-role', role: 'old', because: 'retired' },
  { kind: 'retire-sessions', role: 'old' },
  { kind: 'retire-login', role: 'old', because: 'retired' },
];

function shape(changes: readonly Change[]): readonly string[] {
  return planTransactions(orderChanges(changes), 'postgres', 17).map(
    ({ database, changes: made }) => `${database}: ${made.map(({ kind }) => kind).join(' ')}`,
  );
}

describe('planTransactions', () => {
  it('ends roles after everything else, each step committed before the next', () => {
    expect(shape([...end, owned('music'), owned('other'), schema('music'), create])).toEqual([
      'music: create-role create-schema',
      'postgres: retire-login',
      'postgres: retire-sessions',
      'music: retire-owned',
      'other: retire-owned',
      'postgres: drop-role',
    ]);
  });

  it('drops a role together with what it has when that is in one database', () => {
    expect(shape([...end.slice(0, 1), owned('music')])).toEqual(['music: retire-owned drop-role']);
    expect(shape(end.slice(0, 1))).toEqual(['postgres: drop-role']);
  });

  it('with several databases begins with what belongs to the cluster, in the maintenance database', () => {
    expect(shape([schema('music'), schema('other'), create])).toEqual([
      'postgres: create-role',
      'music: create-schema',
      'other: create-schema',
    ]);
  });
});
