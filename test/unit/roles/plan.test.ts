import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDbadminError } from '../../../src/base/errors.ts';
import type { Change } from '../../../src/roles/change.ts';
import { describeChange } from '../../../src/roles/describe.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { planRoles } from '../../../src/roles/plan.ts';
import { changeSql } from '../../../src/roles/print.ts';
import { privilegesOf } from '../../../src/roles/privileges.ts';
import { PUBLIC, role, type AclEntry } from '../../../src/roles/state.ts';
import { planTransactions } from '../../../src/roles/transactions.ts';
import { randomDocument } from '../../live/roles/random-document.ts';
import { SimulatedCluster, type SimulatedObject } from './simulated-cluster.ts';

const SEED = 7_731;
const NOW = new Date('2026-11-21T00:00:00Z');
const ROLES = ['g one', 'g"two', 'g3', 'l one', 'l"two', 'outsider', 'postgres'] as const;
const OBJECTS = [
  ['core', 'table', 'table', 'play', ['id', 'note', 'email']],
  ['core', 'table', 'table', 'audit_log', ['at']],
  ['core', 'table', 'view', 'v', ['one']],
  ['core', 'table', 'partitioned table', 'part', ['id']],
  ['core', 'sequence', 'sequence', 'play_id_seq', []],
  ['core', 'routine', 'function', 'f(integer, text)', []],
  ['core', 'routine', 'procedure', 'p()', []],
  ['core', 'type', 'type', 'mood', []],
  ['mart', 'table', 'materialized view', 'top', ['one']],
  ['other', 'table', 'table', 't', ['id']],
] as const;

/** An object with nothing more to it than its kind says. */
function object(
  schema: string,
  kind: SimulatedObject['kind'],
  name: string,
  owner: string,
  acl: readonly AclEntry[] = [],
  columns: readonly string[] = [],
): SimulatedObject {
  const form = kind === 'routine' ? 'function' : kind;
  return { schema, kind, form, name, owner, acl, columns: new Map(columns.map((column) => [column, []])) };
}

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
      if (grantee === owner) return [];
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
      ...OBJECTS.map(([schema, kind, form, name, columns]) =>
        owners.chain((owner) =>
          fc
            .tuple(randomAcl(owner, kind), ...columns.map((column) => randomAcl(owner, 'column').map((acl) => [column, acl] as const)))
            .map(([acl, ...ofColumns]): SimulatedObject => ({ schema, kind, form, name, owner, acl, columns: new Map(ofColumns) })),
        ),
      ),
    ),
    schemas: fc.tuple(
      ...['core', 'mart', 'other'].map((name) =>
        owners.chain((owner) => randomAcl(owner, 'schema').map((acl) => [name, { owner, acl }] as const)),
      ),
    ),
    database: randomAcl('postgres', 'database'),
    language: randomAcl('postgres', 'language'),
    server: owners.chain((owner) => randomAcl(owner, 'server').map((acl) => ({ owner, acl }))),
    tablespace: randomAcl('postgres', 'tablespace'),
    parameter: randomAcl('postgres', 'parameter'),
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
    cluster.objects = seed.objects.map((each) => ({ ...each }));
    const common = { extension: undefined, canBeGranted: true };
    cluster.globals = [
      { ...common, kind: 'language', name: 'plpgsql', owner: 'postgres', acl: seed.language },
      { ...common, kind: 'server', name: 'lake', ...seed.server },
    ];
    cluster.tablespaces.set('fast', { owner: 'postgres', acl: seed.tablespace });
    cluster.parameters.set('work_mem', { owner: 'postgres', acl: seed.parameter });
    for (const [name, schema] of seed.schemas) cluster.schemas.set(name, { ...schema });
    cluster.database = { owner: 'postgres', acl: seed.database };
    cluster.defaults = [...seed.defaults];
    return cluster;
  });

function applyTo(cluster: SimulatedCluster, text: string): void {
  const document = parseRolesDocument(text, 'roles.yaml');
  for (const change of planRoles(document, cluster.observe(), NOW).changes) cluster.make(change);
}

/** Leaves a random case out when the file asks for what cannot hold there, such as a column rule beside the whole table. */
function unlessRefused(work: () => void): void {
  try {
    work();
  } catch (error) {
    fc.pre(!isDbadminError(error, 'roles-invalid'));
    throw error;
  }
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
  const { roles, schemas, database, objects, memberships, defaults, settings, globals, tablespaces, parameters } = cluster;
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
      .map(({ schema, name, kind, acl, columns }) => [
        schema,
        name,
        sortedText(acl.filter((entry) => ours(entry) && !(kind === 'type' && entry.grantee.kind === 'public'))),
        [...columns].map(([column, own]) => [column, sortedText(own.filter(ours))]),
      ]),
    globals: globals.map(({ name, kind, acl }) => [
      name,
      sortedText(acl.filter((entry) => ours(entry) && !(kind === 'language' && entry.grantee.kind === 'public'))),
    ]),
    shared: [...tablespaces, ...parameters]
      .map(([name, { acl }]) => [name, sortedText(acl.filter(ours))])
      .filter(([, acl]) => acl?.length !== 0),
    defaults: sortedText(defaults.filter(ours)),
  };
}

describe('planRoles', () => {
  it('leads from any state to one that has nothing left to change', () => {
    fc.assert(
      fc.property(randomCluster, randomDocument(17), (make, text) => {
        const cluster = make();
        unlessRefused(() => applyTo(cluster, text));
        expect(lines(cluster, text)).toEqual([]);
      }),
      { seed: SEED, numRuns: 60, maxSkipsPerRun: 1 },
    );
  });

  it('leads from a to b: where it comes from is not to be seen in what is managed', () => {
    fc.assert(
      fc.property(randomCluster, randomDocument(17), randomDocument(17), (make, before, text) => {
        const [straight, roundabout] = [make(), make()];
        unlessRefused(() => {
          applyTo(straight, text);
          // Who owned objects before the second file says nothing of owners is to be seen, of course.
          applyTo(roundabout, before.replaceAll(/"owns":(?:"all"|\[[^\]]*\])/g, '"owns":[]'));
          applyTo(roundabout, text);
        });
        // Creators that only the first file named keep their global default: they are out of the second one's sight.
        const isLocked =
          (JSON.parse(text) as { public: string }).public === 'locked' && (JSON.parse(before) as { public: string }).public === 'locked';
        const [left, right] = [straight, roundabout].map((cluster) => managedState(cluster, isLocked) as Record<string, unknown>);
        expect({ ...right, defaults: [] }).toEqual({ ...left, defaults: [] });
      }),
      { seed: SEED + 1, numRuns: 30, maxSkipsPerRun: 2 },
    );
  });

  it('never plans a change for a role or a schema out of scope', () => {
    fc.assert(
      fc.property(randomCluster, randomDocument(17), (make, text) => {
        const changes: Change[] = [];
        unlessRefused(() => void changes.push(...planRoles(parseRolesDocument(text, 'roles.yaml'), make().observe(), NOW).changes));
        for (const change of changes) {
          expect(describeChange(change).subject).toMatch(/^(?:[gl]|PUBLIC)/);
          if (change.kind === 'privilege' && 'schema' in change.on) expect(change.on.schema).not.toBe('other');
        }
      }),
      { seed: SEED + 2, numRuns: 30, maxSkipsPerRun: 1 },
    );
  });

  it('does not plan what default privileges of somebody out of scope will put back', () => {
    const cluster = new SimulatedCluster();
    for (const name of ['postgres', 'reader', 'owner', 'dba'])
      cluster.make({ kind: 'create-role', role: name, login: false, attributes: {} });
    cluster.schemas.set('core', { owner: 'owner', acl: [] });
    const entry = { grantee: role('reader'), privilege: 'INSERT', grantable: false } as const;
    cluster.objects = [object('core', 'table', 't', 'dba', [{ ...entry, grantor: 'dba' }])];
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
    cluster.objects = [object('core', 'table', 't', 'owner', acl)];
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
    cluster.objects = Array.from({ length: 50_000 }, (_, index) => object('core', 'table', `t${index}`, 'owner'));
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

  it('writes what many are given in one statement, and what one more is given in another', () => {
    const cluster = new SimulatedCluster();
    for (const name of ['postgres', 'owner', 'a', 'b', 'c'])
      cluster.make({ kind: 'create-role', role: name, login: false, attributes: {} });
    cluster.schemas.set('core', { owner: 'owner', acl: [] });
    cluster.objects = ['t', 'u'].map((name) => object('core', 'table', name, 'owner'));
    const text = `version: 1
groups: { a: {}, b: {}, c: {}, owner: {} }
databases:
  music:
    schemas: { core: { owner: owner } }
    access: [{ grant: select, on: table core.*, to: [a, b, c] }, { grant: delete, on: table core.*, to: c }]`;
    const { changes } = planRoles(parseRolesDocument(text, 'roles.yaml'), cluster.observe(), NOW);
    const sent = planTransactions(changes, 'postgres', 18).flatMap((transaction) => transaction.changes.flatMap(changeSql));
    expect(sent).toEqual([
      'GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA "core" TO "c"',
      'GRANT SELECT ON ALL TABLES IN SCHEMA "core" TO "a", "b"',
      'GRANT CONNECT ON DATABASE "music" TO "a", "b", "c", "owner"',
      'GRANT USAGE ON SCHEMA "core" TO "a", "b", "c"',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "owner" IN SCHEMA "core" GRANT SELECT ON TABLES TO "a", "b"',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "owner" IN SCHEMA "core" GRANT SELECT, DELETE ON TABLES TO "c"',
    ]);
  });
});
