import { describe, expect, it } from 'vitest';
import { compareStates, pairDatabases } from '../../../src/roles/diff/compare-states.ts';
import { briefly, compareFacts, type Difference } from '../../../src/roles/diff/difference.ts';
import { documentFacts } from '../../../src/roles/diff/document-facts.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { PUBLIC, role } from '../../../src/roles/state.ts';
import { SimulatedCluster, type SimulatedObject } from './simulated-cluster.ts';

function cluster(names: readonly string[], tables: readonly string[]): SimulatedCluster {
  const made = new SimulatedCluster();
  for (const name of ['postgres', ...names]) made.make({ kind: 'create-role', role: name, login: false, attributes: {} });
  made.schemas.set('core', { owner: 'postgres', acl: [] });
  made.objects = tables.map((name): SimulatedObject => ({
    schema: 'core',
    kind: 'table',
    form: 'table',
    name,
    owner: 'postgres',
    acl: [],
    columns: new Map(),
  }));
  return made;
}

function texts(differences: readonly Difference[]): readonly string[] {
  return differences.map(({ subject, text, left, right }) => `${subject}: ${text}: ${left ?? '∅'} | ${right ?? '∅'}`);
}

function compare(left: SimulatedCluster, right: SimulatedCluster): readonly string[] {
  const [ours, theirs] = [left.observe(), right.observe()];
  const { pairs, facts } = pairDatabases(ours, theirs);
  return texts(compareStates(ours, theirs, pairs, facts));
}

describe('compareStates', () => {
  it('finds nothing between a cluster and itself', () => {
    const made = cluster(['a'], ['t', 'u']);
    expect(compare(made, made)).toEqual([]);
  });

  it('tells of a role that one side lacks once, and of values that differ', () => {
    const [left, right] = [cluster(['a', 'b'], ['t']), cluster(['a', 'c'], ['t'])];
    left.memberships.push({ role: 'a', member: 'b', grantor: 'postgres', admin: false, inherit: true, set: true });
    right.make({ kind: 'alter-role', role: 'a', attributes: { createdb: true }, connectionLimit: 3, was: { attributes: {} } });
    expect(compare(left, right)).toEqual([
      'a: attributes: none | createdb',
      'a: connection limit: none | 3',
      'b: role: group | ∅',
      'c: role: ∅ | group',
      'b: member of a:  | ∅',
    ]);
  });

  it('puts tables together that differ in the same, and tells of a table that one side lacks once', () => {
    const [left, right] = [cluster(['a'], ['t1', 't2', 't3', 't4', 'gone']), cluster(['a'], ['t1', 't2', 't3', 't4', 'new'])];
    const entry = { grantee: role('a'), privilege: 'SELECT', grantor: 'postgres', grantable: false } as const;
    for (const object of left.objects) object.acl = [entry];
    const [first] = right.objects;
    if (first !== undefined)
      first.acl = [
        { ...entry, grantable: true },
        { ...entry, grantee: PUBLIC },
      ];
    expect(compare(left, right)).toEqual([
      'PUBLIC: SELECT on table core.t1: ∅ | ',
      'a: SELECT on 3 tables in core: t2, t3, t4:  | ∅',
      'a: SELECT on table core.t1:  | with grant option',
      'core: table core.gone:  | ∅',
      'core: table core.new: ∅ | ',
    ]);
  });
});

describe('documentFacts', () => {
  const file = (access: string): string => `version: 1
profiles: { r: { tables: [select] }, q: { tables: [select] } }
groups: { a: {}, o: {} }
databases: { music: { schemas: { core: { owner: o } }, access: [${access}] } }`;
  const compareFiles = (left: string, right: string): readonly string[] =>
    texts(briefly(compareFacts(documentFacts(parseRolesDocument(left, 'l')), documentFacts(parseRolesDocument(right, 'r')))));

  it('takes two names of one profile for the same', () => {
    expect(compareFiles(file('{ profile: r, on: core, to: a }'), file('{ profile: q, on: core, to: a }'))).toEqual([]);
  });

  it('tells an access line from a bare grant', () => {
    const bare = file('').replace('access: []', 'grants: [{ grant: select, on: table core.*, to: a }]');
    expect(compareFiles(file('{ profile: r, on: core, to: a }'), bare)).toEqual([
      'a: SELECT on every table there is and will be in core: with the way there | ∅',
      'a: SELECT on every table there is in core: ∅ | ',
    ]);
  });
});
