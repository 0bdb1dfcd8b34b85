import { describe, expect, it } from 'vitest';
import { powersOf } from '../../../src/roles/powers.ts';
import type { Membership } from '../../../src/roles/state.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

function edge(role: string, member: string, options: Partial<Membership> = {}): Membership {
  return { role, member, grantor: 'postgres', admin: false, inherit: false, set: false, ...options };
}

function powers(memberships: readonly Membership[], created: readonly string[] = []): ReturnType<typeof powersOf> {
  const cluster = new SimulatedCluster();
  for (const name of ['postgres', 'tool', 'a', 'b', 'c']) cluster.make({ kind: 'create-role', role: name, login: false, attributes: {} });
  cluster.memberships.push(...memberships);
  return powersOf('tool', cluster.observe().cluster, new Set(created));
}

describe('powersOf', () => {
  it('has its own privileges and nobody else’s', () => {
    const { has, canBecome, administratorOf } = powers([]);
    expect([has('tool'), has('a'), canBecome('tool'), canBecome('a'), administratorOf('a')]).toEqual([true, false, true, false, undefined]);
  });

  it('follows memberships that inherit for privileges, those that set for SET ROLE, as far as they go', () => {
    const { has, canBecome } = powers([
      edge('a', 'tool', { inherit: true }),
      edge('b', 'a', { inherit: true, set: true }),
      edge('c', 'tool', { set: true }),
    ]);
    expect([has('a'), has('b'), has('c')]).toEqual([true, true, false]);
    expect([canBecome('a'), canBecome('b'), canBecome('c')]).toEqual([false, false, true]);
  });

  it('administers what itself may, else by a role whose privileges it has', () => {
    const both = powers([edge('b', 'a', { admin: true }), edge('b', 'tool', { admin: true }), edge('a', 'tool', { inherit: true })]);
    expect(both.administratorOf('b')).toBe('tool');
    const other = powers([edge('b', 'a', { admin: true }), edge('a', 'tool', { inherit: true })]);
    expect(other.administratorOf('b')).toBe('a');
    expect(powers([edge('b', 'a', { admin: true }), edge('a', 'tool', { set: true })]).administratorOf('b')).toBeUndefined();
  });

  it('has all of what it makes itself', () => {
    const { has, canBecome, administratorOf } = powers([], ['c']);
    expect([has('c'), canBecome('c'), administratorOf('c')]).toEqual([true, true, 'tool']);
  });
});
