import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeChange } from '../../../src/roles/describe.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { planRoles } from '../../../src/roles/plan.ts';
import { privilegesOf } from '../../../src/roles/privileges.ts';
import { PUBLIC, role, type AclEntry } from '../../../src/roles/state.ts';
import { planTransactions } from '../../../src/roles/transactions.ts';
import { randomDocument } from '../../live/roles/random-document.ts';
import { SimulatedCluster, type SimulatedObject } from './simulated-cluster.ts';

const SEED = 7_731;
const NOW = new Date('2026-11-21T00:00:00Z');
const ROLES = ['g one', 'g"two', 'g3', 'l one', 'l"two', 'outsider', 'postgres'] as const;
const OBJECTS = [
  ['core', 'table', 'play'],
  ['core', 'table', 'audit_log'],
  ['core', 'table', 'v'],
  ['core', 'table', 'part'],
  ['core', 'sequence', 'play_id_seq'],
  ['core', 'routine', 'f(integer, text)'],
  ['core', 'routine', 'p()'],
  ['core', 'type', 'mood'],
  ['mart', 'table', 'top'],
  ['other', 'table', 't'],
] as const;

/** What a role in scope may come across: grants by the owner, and one further on by whoever got the option. */
function randomAcl(owner: string, kind: Parameters<typeof privilegesOf>[0]): fc.Arbitrary<readonly AclEntry[]> {
  const first = fc.record({
    grantee: fc.constantFrom('g one', 'g"two', 'l one', 'outsider', 'public'),
    privilege: fc.constantFrom(...privilegesOf(kind, 17)),
    grantable: fc.boolean(),
    further: fc.constantFrom(undefined, 'g3', 'l"two'),
  });
  return fc.uniqueArray(first, { selector: (each) => `${each.grantee} ${each.privilege}`, maxLength: 4 }).map((entries) =>
    entries.flatMap(({ grantee, privilege, grantable, further }): AclEntry[] => {
      if (grantee === owner || further === owner) return [];
      if (grantee === 'public') return [{ grantee: PUBLIC, privilege, grantor: owner, grantable: false }];
      const entry = { grantee: role(grantee), privilege, grantor: owner, grantable };
      if (!grantable || further === undefined || grantee === 'outsider') return [entry];
      return [entry, { grantee: role(further), privilege, grantor: grantee, grantable: false }];
    }),
  );
}

const owners = fc.constantFrom('g one', 'g3', 'postgres');

const randomCluster: fc.Arbitrary<() => SimulatedCluster> = fc
  .record({
    there: fc.subarray(['g one', 'g"two', 'g3', 'l one', 'l"two'], { minLength: 5 }),
    login: fc.boolean(),
    edges: fc.uniqueArray(
      fc.record({
        role: fc.constantFrom('g one', 'g"two'),
        member: fc.constantFrom('l one', 'l"two', 'outsider'),
        grantor: fc.constantFrom('postgres', 'g3'),
        admin: fc.boolean(),
        inherit: fc.boolean(),
        set: fc.boolean(),
      }),
      { selector: (edge) => `${edge.role} ${edge.member} ${edge.grantor}`, maxLength: 4 },
    ),
    objects: fc.tuple(
      ...OBJECTS.map(([schema, kind, name]) =>
        owners.chain((owner) => randomAcl(owner, kind).map((acl): SimulatedObject => ({ schema, kind, name, owner, acl }))),
      ),
    ),
    schemas: fc.tuple(
      ...['core', 'mart', 'other'].map((name) =>
        owners.chain((owner) => randomAcl(owner, 'schema').map((acl) => [name, { owner, acl }] as const)),
      ),
    ),
    database: randomAcl('postgres', 'database'),
    defaults: fc.uniqueArray(
      fc.record({
        creator: fc.constantFrom('g one', 'g3', 'l one'),
        schema: fc.constantFrom('core', 'mart'),
        of: fc.constant('table' as const),
        grantee: fc.constantFrom('g"two', 'l"two').map(role),
        privilege: fc.constantFrom(...privilegesOf('table', 16)),
        grantable: fc.boolean(),
      }),
      { selector: (each) => JSON.stringify([each.creator, each.schema, each.grantee, each.privilege]), maxLength: 4 },
    ),
  })
  .map((seed) => () => {
    const cluster = new SimulatedCluster();
    for (const name of new Set([...seed.there, ...ROLES]))
      cluster.make({ kind: 'create-role', role: name, login: seed.login, attributes: {} });
    // g3 could grant because it administers both.
    const administered = seed.edges.filter((edge) => edge.grantor === 'g3').map((edge) => edge.role);
    for (const each of new Set(administered)) {
      cluster.memberships.push({ role: each, member: 'g3', grantor: 'postgres', admin: true, inherit: true, set: true });
    }
    cluster.memberships.push(...seed.edges.filter((edge) => edge.member !== 'outsider' || edge.grantor === 'postgres'));
    cluster.objects = seed.objects.map((object) => ({ ...object }));
    for (const [name, schema] of seed.schemas) cluster.schemas.set(name, { ...schema });
    cluster.database = { owner: 'postgres', acl: seed.database };
    cluster.defaults = [...seed.defaults];
    return cluster;
  });

function applyTo(cluster: SimulatedCluster, text: string): void {
  const document = parseRolesDocument(text, 'roles.yaml');
  for (const change of planRoles(document, cluster.observe(), NOW).changes) cluster.make(change);
}

function lines(cluster: SimulatedCluster, text: string): readonly string[] {
  return planRoles(parseRolesDocument(text, 'roles.yaml'), cluster.observe(), NOW).changes.map((change) => {
    const { risk, subject, sign, text: what } = describeChange(change);
    return `${risk} ${subject} ${sign} ${what}`;
  });
}

/** What the file decides: everything in scope, whatever it was before. */
function managedState(cluster: SimulatedCluster, isLocked: boolean): unknown {
  const ours = (entry: { readonly grantee: AclEntry['grantee'] }): boolean =>
    entry.grantee.kind === 'public' ? isLocked : /^[gl]/.test(entry.grantee.name);
  const sortedText = (values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value)).sort();
  const { roles, schemas, database, objects, memberships, defaults, settings } = cluster;
  return {
    roles: sortedText([...roles.values()].filter(({ name }) => /^[gl]/.test(name))),
    memberships: sortedText(memberships.filter(({ member }) => /^[gl]/.test(member))),
    settings: sortedText(settings),
    database: sortedText(database.acl.filter(ours)),
    schemas: sortedText(
      [...schemas].filter(([name]) => name !== 'other').map(([name, schema]) => [name, schema.owner, sortedText(schema.acl.filter(ours))]),
    ),
    objects: objects
      .filter(({ schema }) => schema !== 'other')
      .map(({ schema, name, kind, acl }) => [
        schema,
        name,
        sortedText(acl.filter((entry) => ours(entry) && !(kind === 'type' && entry.grantee.kind === 'public'))),
      ]),
    defaults: sortedText(defaults.filter(ours)),
  };
}

describe('planRoles', () => {
  it('leads from any state to one that has nothing left to change', () => {
    fc.assert(
      fc.property(randomCluster, randomDocument(17), (make, text) => {
        const cluster = make();
        applyTo(cluster, text);
        expect(lines(cluster, text)).toEqual([]);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('leads from a to b: where it comes from is not to be seen in what is managed', () => {
    fc.assert(
      fc.property(randomCluster, randomDocument(17), randomDocument(17), (make, before, text) => {
        const [straight, roundabout] = [make(), make()];
        applyTo(straight, text);
        applyTo(roundabout, before);
        applyTo(roundabout, text);
        // Creators that only the first file named keep their global default: they are out of the second one's sight.
        const isLocked =
          (JSON.parse(text) as { public: string }).public === 'locked' && (JSON.parse(before) as { public: string }).public === 'locked';
        const [left, right] = [straight, roundabout].map((cluster) => managedState(cluster, isLocked) as Record<string, unknown>);
        expect({ ...right, defaults: [] }).toEqual({ ...left, defaults: [] });
      }),
      { seed: SEED + 1, numRuns: 30 },
    );
  });

  it('never plans a change for a role or a schema out of scope', () => {
    fc.assert(
      fc.property(randomCluster, randomDocument(17), (make, text) => {
        const changes = planRoles(parseRolesDocument(text, 'roles.yaml'), make().observe(), NOW).changes;
        for (const change of changes) {
          expect(describeChange(change).subject).toMatch(/^(?:[gl]|PUBLIC)/);
          if (change.kind === 'privilege' && 'schema' in change.on) expect(change.on.schema).not.toBe('other');
        }
      }),
      { seed: SEED + 2, numRuns: 30 },
    );
  });

  it('does not plan what default privileges of somebody out of scope will put back', () => {
    const cluster = new SimulatedCluster();
    for (const name of ['postgres', 'reader', 'owner', 'dba'])
      cluster.make({ kind: 'create-role', role: name, login: false, attributes: {} });
    cluster.schemas.set('core', { owner: 'owner', acl: [] });
    const entry = { grantee: role('reader'), privilege: 'INSERT', grantable: false } as const;
    cluster.objects = [{ schema: 'core', kind: 'table', name: 't', owner: 'dba', acl: [{ ...entry, grantor: 'dba' }] }];
    const text = 'version: 1\ngroups: { reader: {}, owner: {} }\ndatabases: { music: { schemas: { core: { owner: owner } } } }';
    expect(lines(cluster, text)).toContain('NARROW reader − INSERT on core.t');
    cluster.defaults = [{ ...entry, creator: 'dba', schema: 'core', of: 'table' }];
    expect(lines(cluster, text).join('\n')).not.toContain('INSERT');
  });

  it('revokes what rests on a grant before the grant', () => {
    const cluster = new SimulatedCluster();
    for (const name of ['postgres', 'a', 'b', 'c', 'owner'])
      cluster.make({ kind: 'create-role', role: name, login: false, attributes: {} });
    cluster.schemas.set('core', { owner: 'owner', acl: [] });
    const acl = (['owner a', 'a b', 'b c'] as const).map((pair): AclEntry => {
      const [grantor = '', grantee = ''] = pair.split(' ');
      return { grantor, grantee: role(grantee), privilege: 'SELECT', grantable: true };
    });
    cluster.objects = [{ schema: 'core', kind: 'table', name: 't', owner: 'owner', acl }];
    const text = 'version: 1\ngroups: { a: {}, b: {}, c: {}, owner: {} }\ndatabases: { music: { schemas: { core: { owner: owner } } } }';
    expect(lines(cluster, text).filter((line) => line.includes('SELECT'))).toEqual([
      'NARROW c − SELECT on core.t',
      'NARROW b − SELECT on core.t',
      'NARROW a − SELECT on core.t',
    ]);
    applyTo(cluster, text);
    expect(lines(cluster, text)).toEqual([]);
  });

  it('plans fifty thousand tables that are alike as one statement, quickly', () => {
    const cluster = new SimulatedCluster();
    for (const name of ['postgres', 'reader', 'owner']) cluster.make({ kind: 'create-role', role: name, login: false, attributes: {} });
    cluster.schemas.set('core', { owner: 'owner', acl: [] });
    cluster.objects = Array.from({ length: 50_000 }, (_, index) => ({
      schema: 'core',
      kind: 'table',
      name: `t${index}`,
      owner: 'owner',
      acl: [],
    }));
    const observed = cluster.observe();
    const text = `version: 1
profiles: { r: { tables: [select, insert] } }
groups: { reader: {}, owner: {} }
databases: { music: { schemas: { core: { owner: owner } }, access: [{ profile: r, on: core, to: reader }] } }`;
    const startedMs = performance.now();
    const { changes } = planRoles(parseRolesDocument(text, 'roles.yaml'), observed, NOW);
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(changes.map((change) => describeChange(change).text)).toContain('SELECT, INSERT on all 50000 tables in core');
    expect(planTransactions(changes, 'postgres', 18)).toHaveLength(1);
  });
});
