import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isDbadminError } from '../../../src/base/errors.ts';
import { describeChange } from '../../../src/roles/describe.ts';
import { parseRolesDocument } from '../../../src/roles/document/parse.ts';
import { buildFile } from '../../../src/roles/import/build.ts';
import { nameText } from '../../../src/roles/import/object-text.ts';
import type { ImportOptions } from '../../../src/roles/import/options.ts';
import { refuseInexact } from '../../../src/roles/import/run.ts';
import { findProfiles, shapeOf, type Use } from '../../../src/roles/import/shapes.ts';
import type { TreeMap } from '../../../src/roles/import/tree.ts';
import { writeYaml } from '../../../src/roles/import/write-yaml.ts';
import { planRoles } from '../../../src/roles/plan.ts';
import { globalDefaultKey, PUBLIC, role, type AclEntry } from '../../../src/roles/state.ts';
import { randomDocument } from '../../live/roles/random-document.ts';
import { SimulatedCluster, type SimulatedObject } from './simulated-cluster.ts';

const SEED = 20_261;
const NOW = new Date('2026-11-21T00:00:00Z');
const OPTIONS: ImportOptions = {
  databases: ['music'],
  maintenanceDatabase: 'postgres',
  declares: (name) => name !== 'postgres',
  roleGlobs: [],
  isHuman: (name) => name.startsWith('h'),
  wildcards: true,
};

function bareCluster(roles: readonly string[] = []): SimulatedCluster {
  const cluster = new SimulatedCluster();
  for (const name of ['postgres', ...roles]) cluster.make({ kind: 'create-role', role: name, login: false, attributes: {} });
  for (const schema of ['core', 'mart', 'other']) cluster.schemas.set(schema, { owner: 'postgres', acl: [] });
  const objects: readonly (readonly [string, SimulatedObject['kind'], SimulatedObject['form'], string, readonly string[]])[] = [
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
  ];
  cluster.objects = objects.map(([schema, kind, form, name, columns]) => ({
    schema,
    kind,
    form,
    name,
    owner: 'postgres',
    acl: kind === 'routine' ? [{ grantee: PUBLIC, privilege: 'EXECUTE', grantor: 'postgres', grantable: false }] : [],
    columns: new Map(columns.map((column) => [column, []])),
  }));
  cluster.globals = [
    { kind: 'language', name: 'plpgsql', owner: 'postgres', acl: [], extension: undefined, canBeGranted: true },
    { kind: 'server', name: 'lake', owner: 'postgres', acl: [], extension: undefined, canBeGranted: true },
  ];
  cluster.tablespaces.set('fast', { owner: 'postgres', acl: [] });
  return cluster;
}

/** Grants that nobody planned: by others than the owner, to PUBLIC, on single objects and columns. */
const byHand = fc.array(
  fc.record({
    object: fc.nat(9),
    grantee: fc.constantFrom('g one', 'g"two', 'l one', 'public'),
    privilege: fc.constantFrom('SELECT', 'UPDATE', 'REFERENCES'),
    further: fc.constantFrom(undefined, 'g3', 'l"two'),
    column: fc.constantFrom(undefined, 'id'),
  }),
  { maxLength: 6 },
);

function meddle(cluster: SimulatedCluster, grants: Readonly<typeof byHand extends fc.Arbitrary<infer T> ? T : never>): void {
  for (const { object: index, grantee, privilege, further, column } of grants) {
    const object = cluster.objects[index];
    if (object?.kind !== 'table' || object.owner === grantee || object.owner === further) continue;
    const has = (acl: readonly AclEntry[]): boolean => acl.some((entry) => entry.privilege === privilege);
    const to = grantee === 'public' ? PUBLIC : role(grantee);
    const first = { grantee: to, privilege, grantor: object.owner, grantable: grantee !== 'public' && further !== undefined } as AclEntry;
    const second = { grantee: role(further ?? ''), privilege, grantor: grantee, grantable: false } as AclEntry;
    const entries = first.grantable ? [first, second] : [{ ...first, grantable: false }];
    if (column === undefined) {
      if (!has(object.acl)) object.acl = [...object.acl, ...entries];
    } else {
      const acl = object.columns.get(column);
      if (acl !== undefined && !has(acl)) object.columns = new Map(object.columns).set(column, entries);
    }
  }
}

function importText(cluster: SimulatedCluster, options = OPTIONS): string {
  return writeYaml(buildFile(cluster.observe(), options).tree, ['by a test']);
}

function lines(cluster: SimulatedCluster, text: string): readonly string[] {
  return planRoles(parseRolesDocument(text, 'roles.yaml'), cluster.observe(), NOW).changes.map((change) => {
    const { risk, subject, sign, text: what, remark } = describeChange(change);
    return `${risk} ${subject} ${sign} ${what} ${remark}`;
  });
}

/** Leaves a random case out when the file asks for what cannot hold there, such as a column rule beside the whole table. */
function applyIfPossible(cluster: SimulatedCluster, text: string): void {
  try {
    apply(cluster, text);
  } catch (error) {
    fc.pre(!isDbadminError(error, 'roles-invalid'));
    throw error;
  }
}

function apply(cluster: SimulatedCluster, text: string): void {
  for (const change of planRoles(parseRolesDocument(text, 'roles.yaml'), cluster.observe(), NOW).changes) cluster.make(change);
}

describe('roles import', () => {
  it.each([true, false])('says exactly what is there, with whole schemas allowed: %s', (wildcards) => {
    fc.assert(
      fc.property(randomDocument(17), byHand, (before, grants) => {
        const cluster = bareCluster();
        applyIfPossible(cluster, before);
        meddle(cluster, grants);
        const text = importText(cluster, { ...OPTIONS, wildcards });
        expect(lines(cluster, text)).toEqual([]);
      }),
      { seed: SEED, numRuns: 15 },
    );
  });

  it('gives on an empty cluster what there was: the same file comes out of it again', () => {
    fc.assert(
      fc.property(randomDocument(17), byHand, (before, grants) => {
        const cluster = bareCluster();
        applyIfPossible(cluster, before);
        meddle(cluster, grants);
        const text = importText(cluster);
        const empty = bareCluster();
        apply(empty, text);
        expect(lines(empty, text)).toEqual([]);
        expect(importText(empty)).toBe(text);
      }),
      { seed: SEED + 1, numRuns: 15 },
    );
  });

  it('writes names that YAML or SQL would read as something else', () => {
    const names = ['yes', '12', '__proto__', 'a: b # c', 'é"\\', ' x ', 'null', '*', '- a'];
    const cluster = bareCluster(names);
    for (const name of names) cluster.schemas.set(name, { owner: name, acl: [] });
    const document = parseRolesDocument(importText(cluster), 'roles.yaml');
    expect([...document.roles.keys()].sort()).toEqual([...names].sort());
    expect(document.databases.get('music')?.schemas.get('__proto__')?.owner).toBe('__proto__');
    expect(lines(cluster, importText(cluster))).toEqual([]);
  });

  it('keeps it that somebody gives PUBLIC nothing of what it makes', () => {
    const cluster = bareCluster(['g one']);
    for (const of of ['routine', 'type'] as const) cluster.globalDefaults.add(globalDefaultKey('g one', of));
    const text = importText(cluster);
    expect(text).toContain('- { grant: [], on: [new routines, new types], to: public, by: [g one] }');
    expect(lines(cluster, text)).toEqual([]);
    expect(lines(bareCluster(['g one']), text).map((line) => line.trimEnd())).toEqual([
      'NARROW PUBLIC − EXECUTE on routines that g one will make anywhere',
      'NARROW PUBLIC − USAGE on types that g one will make anywhere',
    ]);
  });

  it('never says a whole schema where one object is missing', () => {
    const cluster = bareCluster(['g one']);
    for (const object of cluster.objects.filter(({ kind, name }) => kind === 'table' && name !== 'audit_log')) {
      object.acl = [...object.acl, { grantee: role('g one'), privilege: 'SELECT', grantor: 'postgres', grantable: false }];
    }
    const text = importText(cluster);
    expect(text).not.toContain('table core.*');
    expect(text).toContain('on: [table core.part, table core.play, table core.v, table mart.top, table other.t]');
  });
});

describe('writeYaml', () => {
  const odd = [
    'true',
    'Null',
    '1e3',
    '- a',
    'a: b',
    'a #b',
    '',
    ' ',
    '*a',
    '|',
    '[',
    '{',
    ',',
    '"',
    'a\nb',
    '2026-01-01',
    '\u2028',
    'x'.repeat(200),
  ];
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom(...odd));
  const key = text.filter((each) => each !== '<<' && each !== '__proto__');
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.integer(),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 6 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    ),
  }));

  it('writes what a reader of YAML 1.2 reads as the same', () => {
    const sorted = (each: unknown): unknown => {
      if (typeof each !== 'object' || each === null) return each;
      if (Array.isArray(each)) return each.map(sorted);
      return Object.entries(each)
        .map(([name, inner]) => [name, sorted(inner)] as const)
        .sort(([left], [right]) => (left < right ? -1 : 1));
    };
    fc.assert(
      fc.property(fc.dictionary(key, value, { minKeys: 1, maxKeys: 5 }), (tree) => {
        expect(sorted(parse(writeYaml(tree as TreeMap, ['by a test']), { version: '1.2' }))).toEqual(sorted(tree));
      }),
      { seed: SEED + 2, numRuns: 100 },
    );
  });

  it('keeps lines to their width where there is a place to break them', () => {
    const names = Array.from({ length: 200 }, (_, index) => `table core.t${index}`);
    const lines = writeYaml({ grants: [{ grant: ['select'], on: names, to: 'reader' }] }, []).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(lines.length).toBeLessThan(50);
  });
});

describe('findProfiles', () => {
  const use = (schema: string, grantee: string, rights: Parameters<typeof shapeOf>[0], level: Use['level'] = 'grants'): Use => ({
    level,
    database: 'music',
    schema,
    grantee: role(grantee),
    grantable: false,
    shape: shapeOf(rights),
    creators: [],
  });
  const read = [['schema', 'USAGE'] as const, ['table', 'SELECT'] as const];
  const write = [...read, ['table', 'INSERT'] as const, ['table', 'UPDATE'] as const, ['table', 'DELETE'] as const];

  it('names a shape that two share, and includes the smaller in the larger', () => {
    const uses = [use('a', 'r', read), use('b', 'r', read), use('a', 'w', write), use('a', 'x', write)];
    expect(findProfiles(uses).map(({ name, include }) => [name, include])).toEqual([
      ['reader', undefined],
      ['writer', 'reader'],
    ]);
  });

  it('names nothing that only one has', () => {
    expect(findProfiles([use('a', 'r', read), use('a', 'w', write)])).toEqual([]);
  });
});

describe('refuseInexact', () => {
  it('says nothing of an empty plan, and shows the first lines of another', () => {
    expect(() => refuseInexact([])).not.toThrow();
    const lines = Array.from({ length: 30 }, (_, index) => `WIDEN a + SELECT on core.t${index}`);
    const caught = (() => {
      try {
        return refuseInexact(lines);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toMatchObject({
      code: 'import-inexact',
      message: 'the imported file does not say exactly what is there: 30 differences',
    });
    expect(isDbadminError(caught) ? caught.detail : '').toMatch(/^WIDEN a \+ SELECT on core\.t0\n[\s\S]*\nand 10 more$/);
  });
});

describe('nameText', () => {
  it.each([
    ['core', 'core'],
    ['Core', '"Core"'],
    ['a"b', '"a""b"'],
    ['a.b', '"a.b"'],
    ['*', '"*"'],
    ['1a', '"1a"'],
  ])('%s is written %s', (name, text) => {
    expect(nameText(name)).toBe(text);
  });
});
