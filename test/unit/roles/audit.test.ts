import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/roles/audit/accept.ts';
import { revokeMembershipSql, revokeSql, tablesSql, tablesText } from '../../../src/roles/audit/close.ts';
import type { Finding } from '../../../src/roles/audit/finding.ts';
import { closingScript, findingsCsv, findingsHtml } from '../../../src/roles/audit/report.ts';
import { SETTING_RULES } from '../../../src/roles/audit/rules/settings.ts';
import { searchPathOf } from '../../../src/roles/audit/search-path.ts';
import type { AuditState, HostRule } from '../../../src/roles/audit/state.ts';
import { AuditWorld } from '../../../src/roles/audit/world.ts';
import type { AccessEntry } from '../../../src/roles/access/graph.ts';
import { differencesOfTwins } from '../../../src/roles/rotate/twins.ts';
import { PUBLIC, role, type ClusterState, type Membership, type RoleState } from '../../../src/roles/state.ts';

const entry = (to: string, by: string, grantable = false, privilege: AccessEntry['privilege'] = 'SELECT'): AccessEntry => ({
  grantee: to === 'PUBLIC' ? PUBLIC : role(to),
  grantor: by,
  privilege,
  grantable,
});

const state = (name: string, changes: Partial<RoleState> = {}): RoleState => ({
  name,
  login: true,
  attributes: { superuser: false, createdb: false, createrole: false, replication: false, bypassrls: false, inherit: true },
  connectionLimit: 5,
  validUntil: undefined,
  comment: undefined,
  verifier: undefined,
  ...changes,
});

const edge = (of: string, member: string, changes: Partial<Membership> = {}): Membership => ({
  role: of,
  member,
  grantor: 'postgres',
  admin: false,
  inherit: true,
  set: true,
  ...changes,
});

const cluster = (changes: Partial<ClusterState>): ClusterState =>
  ({ major: 17, bootstrapSuperuser: 'postgres', roles: new Map(), memberships: [], settings: [], ...changes }) as ClusterState;

const finding = (changes: Partial<Finding> = {}): Finding => ({
  rule: 'public-table',
  severity: 'high',
  subject: 'table core.play',
  database: 'music',
  message: 'every login may SELECT there',
  evidence: ['SELECT to PUBLIC'],
  sql: ['REVOKE SELECT ON TABLE "core"."play" FROM PUBLIC'],
  ...changes,
});

describe('closing', () => {
  it('takes away as the grantor what the owner did not grant', () => {
    const acl = [entry('a', 'owner'), entry('b', 'mid', false, 'UPDATE')];
    expect(revokeSql('TABLE t', { owner: 'owner', acl }, acl)).toEqual([
      'REVOKE SELECT ON TABLE t FROM "a"',
      'SET ROLE "mid"',
      'REVOKE UPDATE ON TABLE t FROM "b"',
      'RESET ROLE',
    ]);
  });

  it('takes away first what rests on it, leaf by leaf', () => {
    const [a, b, c] = [entry('a', 'owner', true), entry('b', 'a', true), entry('c', 'b')];
    expect(revokeSql('TABLE t', { owner: 'owner', acl: [a, b, c] }, [a])).toEqual([
      'SET ROLE "b"',
      'REVOKE SELECT ON TABLE t FROM "c"',
      'RESET ROLE',
      'SET ROLE "a"',
      'REVOKE SELECT ON TABLE t FROM "b"',
      'RESET ROLE',
      'REVOKE SELECT ON TABLE t FROM "a"',
    ]);
  });

  it('leaves alone what rests on another grant of the same', () => {
    const acl = [entry('a', 'owner', true), entry('a', 'mid', true), entry('c', 'a')];
    expect(revokeSql('TABLE t', { owner: 'owner', acl }, [entryAt(acl, 0)])).toEqual(['REVOKE SELECT ON TABLE t FROM "a"']);
  });

  it('ends when grants go in a circle', () => {
    const acl = [entry('a', 'b', true), entry('b', 'a', true)];
    expect(revokeSql('TABLE t', { owner: 'owner', acl }, [entryAt(acl, 0)])).toHaveLength(6);
  });

  it('puts several privileges of one grant into one statement, and columns behind each', () => {
    const acl = [entry('a', 'owner'), entry('a', 'owner', false, 'UPDATE')];
    expect(revokeSql('TABLE t', { owner: 'owner', acl }, acl, 'x"y')).toEqual([
      'REVOKE SELECT ("x""y"), UPDATE ("x""y") ON TABLE t FROM "a"',
    ]);
  });

  it('memberships that rest on the admin option go first, each as its grantor', () => {
    const top = edge('team', 'lead', { admin: true });
    const below = edge('team', 'guest', { grantor: 'lead' });
    const of = cluster({ memberships: [top, below] });
    expect(revokeMembershipSql(of, top, 'admin')).toEqual([
      'REVOKE "team" FROM "guest" GRANTED BY "lead"',
      'REVOKE ADMIN OPTION FOR "team" FROM "lead" GRANTED BY "postgres"',
    ]);
    expect(revokeMembershipSql({ ...of, major: 15 }, top, 'edge')).toEqual(['REVOKE "team" FROM "lead"']);
  });

  it('names at most a thousand tables in a statement, and few in a text', () => {
    const names = Array.from({ length: 2500 }, (_, index) => `t${index}`);
    expect(tablesSql('s', names)).toHaveLength(3);
    expect(tablesText('s', names)).toBe('2500 tables in s (t0, t1, t2, …)');
    expect(tablesText('s', ['a', 'b'])).toBe('2 tables in s (a, b)');
  });
});

function entryAt(acl: readonly AccessEntry[], index: number): AccessEntry {
  const found = acl[index];
  if (found === undefined) throw new Error('no such entry');
  return found;
}

describe('search path', () => {
  const settings = [
    { role: undefined, database: undefined, name: 'search_path', value: ['everywhere'] },
    { role: 'ann', database: undefined, name: 'search_path', value: ['$user', 'hers'] },
    { role: 'ann', database: 'music', name: 'search_path', value: ['there'] },
    { role: undefined, database: 'music', name: 'search_path', value: ['music'] },
  ];
  const of = { searchPath: ['$user', 'public'], cluster: cluster({ settings }) } as unknown as AuditState;

  it.each([
    ['ann', 'music', ['there']],
    ['ann', 'other', ['ann', 'hers']],
    ['bob', 'music', ['music']],
    ['bob', 'other', ['everywhere']],
  ])('of %s in %s is the most particular one', (login, database, path) => {
    expect(searchPathOf(of, login, database)).toEqual(path);
  });

  it('without a setting is that of the server', () => {
    expect(searchPathOf({ ...of, cluster: cluster({}) }, 'ann', 'music')).toEqual(['ann', 'public']);
  });
});

describe('pg_hba.conf', () => {
  const rule = (changes: Partial<HostRule>): HostRule => ({
    file: 'pg_hba.conf',
    line: 7,
    type: 'host',
    databases: ['all'],
    users: ['all'],
    address: '10.0.0.0',
    netmask: '255.0.0.0',
    method: 'trust',
    ...changes,
  });
  const found = (changes: Partial<HostRule>): readonly string[] => {
    const world = new AuditWorld({ hostRules: [rule(changes)], access: { shared: [] } } as unknown as AuditState, new Date());
    return SETTING_RULES.flatMap((each) => each.find(world)).map(({ subject }) => subject);
  };

  it('trust for other hosts is found, with its line', () => {
    expect(found({})).toEqual(['pg_hba.conf:7']);
    expect(found({ address: 'all', netmask: undefined })).toEqual(['pg_hba.conf:7']);
  });

  it.each([[{ method: 'scram-sha-256' }], [{ type: 'local', address: undefined }], [{ address: '127.0.0.1' }], [{ address: '::1' }]])(
    '%j is not',
    (changes) => {
      expect(found(changes)).toEqual([]);
    },
  );
});

describe('acceptance', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  const accepted = { finding: 'public-table', on: 'table core.*', reason: 'open data', until: undefined, at: { line: 9, column: 3 } };

  it('holds for what it names, by finding and subject', () => {
    const others = [finding({ rule: 'public-default' }), finding({ subject: 'table raw.play' })];
    const judged = judge([finding(), ...others], [accepted], 'roles.yaml', now);
    expect(judged.open).toEqual(others);
    expect(judged.accepted).toEqual([{ finding: finding(), reason: 'open data', until: undefined }]);
    expect(judged.notes).toEqual([]);
  });

  it('ends with its date, and says so', () => {
    const judged = judge([finding()], [{ ...accepted, until: '2026-11-21T00:00:00.000Z' }], 'roles.yaml', now);
    expect(judged.open).toEqual([finding()]);
    expect(judged.notes).toEqual(['roles.yaml:9: public-table on table core.* was accepted until 2026-11-21T00:00:00.000Z, which is over']);
  });

  it('of what roles check remarks on is neither unknown here nor missed', () => {
    const remarks = ['powerful-login', 'never-detour', 'never-idle'].map((each) => ({ ...accepted, finding: each, on: '*' }));
    expect(judge([finding()], [...remarks, accepted], 'roles.yaml', now)).toMatchObject({ open: [], notes: [] });
    expect(() => judge([], [{ ...accepted, finding: 'powerful-logins' }], 'roles.yaml', now)).toThrow('accepts findings that do not exist');
  });
});

describe('reports', () => {
  const odd = finding({ subject: '=cmd()', message: 'a <b> & "c"\u001b[31m', remark: 'Look.\nTwice.' });

  it('the closing script goes to each database once and stops at the first error', () => {
    const text = closingScript([finding({ database: undefined, sql: ['A'] }), finding(), finding({ sql: ['B', 'C'] })]);
    expect(text.match(/\\connect "music"/g)).toHaveLength(1);
    expect(text.startsWith('\\set ON_ERROR_STOP on\n')).toBe(true);
    expect(text).toContain('B;\nC;\n');
  });

  it('nothing from a name gets out of a comment of the script', () => {
    for (const line of closingScript([odd]).split('\n')) expect(line).toMatch(/^(--|\\|REVOKE|$)/);
  });

  it('a cell of the CSV is no formula, and quotes are doubled', () => {
    const text = findingsCsv([{ finding: odd, reason: undefined }]);
    expect(text).toContain(`"'=cmd()"`);
    expect(text).toContain('""c""');
    expect(text).not.toContain('\u001b');
  });

  it('the HTML holds names as text', () => {
    const text = findingsHtml('Audit', [{ finding: odd, reason: '<i>' }]);
    expect(text).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
    expect(text).not.toContain('<i>');
  });
});

describe('twins', () => {
  const roles = (...all: readonly RoleState[]): ClusterState['roles'] => new Map(all.map((each) => [each.name, each]));

  it('are alike with the same attributes, groups and settings', () => {
    const memberships = [edge('app', 'a'), edge('app', 'b')];
    const settings = ['a', 'b'].map((name) => ({ role: name, database: undefined, name: 'work_mem', value: '8MB' }));
    expect(differencesOfTwins(cluster({ roles: roles(state('a'), state('b')), memberships, settings }), 'a', 'b')).toEqual([]);
  });

  it('tell everything in which they differ', () => {
    const right = state('b', {
      login: false,
      connectionLimit: -1,
      validUntil: '2027-01-01T00:00:00.000Z',
      attributes: { ...state('b').attributes, createdb: true },
    });
    const memberships = [edge('app', 'a'), edge('app', 'b', { inherit: false })];
    const settings = [{ role: 'a', database: 'music', name: 'work_mem', value: '8MB' }];
    expect(differencesOfTwins(cluster({ roles: roles(state('a'), right), memberships, settings }), 'a', 'b')).toEqual([
      'b does not log in',
      'createdb is off for a and on for b',
      'the connection limit of a is 5, that of b none',
      'a is valid until any time, b until 2027-01-01T00:00:00.000Z',
      'b is not a member of app',
      'b is a member of app without INHERIT, and a is not',
      'their settings differ',
    ]);
  });

  it('must both be there', () => {
    expect(differencesOfTwins(cluster({ roles: roles(state('a')) }), 'a', 'b')).toEqual(['role b does not exist']);
  });
});
