import { describe, expect, test } from 'vitest';
import { Closures } from '../../../src/roles/access/closure.ts';
import type { AccessGraph, ObjectRef } from '../../../src/roles/access/graph.ts';
import { holds } from '../../../src/roles/access/paths.ts';
import { cutSql } from '../../../src/roles/access/cut.ts';
import { routePath, type Hop } from '../../../src/roles/access/route-path.ts';
import { routeText } from '../../../src/roles/access/route-text.ts';
import { findTarget } from '../../../src/roles/access/target.ts';
import { whoCan, type Answer } from '../../../src/roles/access/who-can.ts';
import { aGraph, anEdge, anEntry, aRole, someTables } from './access-graph.ts';

const PLAY: ObjectRef = { kind: 'table', schema: 'core', name: 'play', column: undefined };
const NOW = new Date('2026-11-21T12:00:00Z');

function ask(
  graph: AccessGraph,
  role: string,
  ref: ObjectRef = PLAY,
  privilege: 'SELECT' | 'UPDATE' | 'INSERT' = 'SELECT',
): Answer & { readonly text: string } {
  const target = findTarget(graph, 'music', ref);
  const asked = graph.roles.get(role);
  if (target === undefined || asked === undefined) throw new Error('not in the graph');
  const answer = whoCan({ graph, database: 'music', now: NOW }, asked, target, privilege);
  return { ...answer, text: answer.route === undefined ? '' : routeText(answer.route, privilege) };
}

describe('whether a role has a privilege', () => {
  const chain = [aRole('ann'), aRole('writer', {}, false), aRole('reader', {}, false)];
  const groups = [someTables(['play'], [anEntry('owner', 'SELECT'), anEntry('reader', 'SELECT')])];

  test('follows memberships that inherit, and says the way', () => {
    const answer = ask(aGraph({ roles: chain, memberships: [anEdge('ann', 'writer'), anEdge('writer', 'reader')], groups }), 'ann');
    expect(answer).toMatchObject({ verdict: 'yes', holds: true });
    expect(answer.text).toBe('member of writer (inherit) → reader → SELECT granted by owner');
  });

  test('stops at an edge without INHERIT from 16 on, which leaves SET ROLE', () => {
    const answer = ask(
      aGraph({ roles: chain, memberships: [anEdge('ann', 'writer', { inherit: false }), anEdge('writer', 'reader')], groups }),
      'ann',
    );
    expect(answer).toMatchObject({ verdict: 'set-role', holds: false });
    expect(answer.text).toBe('only after SET ROLE writer (member of reader (inherit) → SELECT granted by owner)');
  });

  test('is no when the edge has neither INHERIT nor SET, and says what ADMIN would let it do', () => {
    const none = anEdge('ann', 'reader', { inherit: false, set: false });
    expect(ask(aGraph({ roles: chain, memberships: [none], groups }), 'ann').verdict).toBe('no');
    const admin = ask(aGraph({ roles: chain, memberships: [{ ...none, admin: true }], groups }), 'ann');
    expect(admin).toMatchObject({ verdict: 'admin', text: 'may grant itself reader (SELECT granted by owner)' });
  });

  test('goes by the attribute of the member up to 15, and CREATEROLE is enough to become anybody', () => {
    const noInherit = [aRole('ann', { inherit: false, createrole: true }), ...chain.slice(1)];
    const graph = aGraph({ major: 15, roles: noInherit, memberships: [], groups });
    expect(ask(graph, 'ann').verdict).toBe('admin');
    expect(new Closures(graph, 'music').administrable('ann').has('postgres')).toBe(false);
    expect(ask(aGraph({ major: 16, roles: noInherit, memberships: [], groups }), 'ann').verdict).toBe('no');
  });

  test('is not inherited from a superuser, who can be become', () => {
    const graph = aGraph({ roles: [aRole('ann')], memberships: [anEdge('ann', 'postgres')], groups: [someTables(['play'], [])] });
    expect(ask(graph, 'ann')).toMatchObject({ verdict: 'set-role', holds: false, text: 'only after SET ROLE postgres (superuser)' });
  });

  test('comes from being the owner, and the owner who took it from itself has it no more', () => {
    const graph = aGraph({
      roles: [aRole('ann')],
      memberships: [anEdge('ann', 'owner')],
      groups: [someTables(['play'], [anEntry('owner', 'SELECT')]), someTables(['shut'], [])],
    });
    expect(ask(graph, 'ann').text).toBe('member of owner (inherit) → owner');
    expect(ask(graph, 'ann', { ...PLAY, name: 'shut' })).toMatchObject({ verdict: 'no', holds: false });
    const target = findTarget(graph, 'music', { ...PLAY, name: 'shut' });
    expect(target !== undefined && holds(new Closures(graph, 'music'), 'ann', target, 'SELECT', true)).toBe(true);
  });

  test('comes from pg_read_all_data, and for changes to the catalog from being superuser alone', () => {
    const catalog = someTables(['pg_authid'], [anEntry('ann', 'UPDATE'), anEntry('ann', 'SELECT')], { isCatalog: true });
    const graph = aGraph({
      roles: [aRole('ann'), aRole('pg_read_all_data', {}, false), aRole('pg_write_all_data', {}, false)],
      memberships: [anEdge('ann', 'pg_read_all_data'), anEdge('ann', 'pg_write_all_data')],
      groups: [someTables(['play'], []), catalog],
    });
    expect(ask(graph, 'ann').text).toBe('member of pg_read_all_data (inherit)');
    expect(ask(graph, 'ann', PLAY, 'UPDATE').verdict).toBe('yes');
    const authid = { ...PLAY, name: 'pg_authid' };
    expect([
      ask(graph, 'ann', authid).verdict,
      ask(graph, 'ann', authid, 'UPDATE').verdict,
      ask(graph, 'postgres', authid, 'UPDATE').verdict,
    ]).toEqual(['yes', 'no', 'yes']);
  });

  test('is of no use without USAGE on the schema or CONNECT on the database, and says which', () => {
    const graph = aGraph({ roles: [aRole('ann')], groups: [someTables(['play'], [anEntry('ann', 'SELECT')])] });
    const closed = { ...graph, shared: [], databases: new Map(graph.databases) };
    const music = closed.databases.get('music');
    if (music === undefined) throw new Error('no music');
    closed.databases.set('music', {
      ...music,
      groups: music.groups.map((group) => (group.kind === 'schema' ? { ...group, acl: [] } : group)),
    });
    expect(ask(closed, 'ann')).toMatchObject({ verdict: 'no', holds: true, lacks: ['USAGE on schema core'] });
    const noConnect = { ...graph, shared: graph.shared.map((group) => ({ ...group, acl: [] })) };
    expect(ask(noConnect, 'ann')).toMatchObject({ verdict: 'no', holds: true, lacks: ['CONNECT on database music'] });
  });

  test('is asked of a column through the table and through the column, and names the columns there are instead', () => {
    const columns = [{ schema: 'core', table: 'play', column: 'id', acl: [anEntry('ann', 'SELECT')] }];
    const columnNames = new Map([['["core","play"]', ['id', 'note']]]);
    const graph = aGraph({ roles: [aRole('ann')], groups: [someTables(['play'], [])], database: { columns, columnNames } });
    expect(ask(graph, 'ann', { ...PLAY, column: 'id' }).text).toBe('SELECT (id) granted by owner');
    expect(ask(graph, 'ann', { ...PLAY, column: 'note' })).toMatchObject({ verdict: 'no', remarks: ['other columns, not this one: id'] });
    expect(ask(graph, 'ann')).toMatchObject({ verdict: 'no', remarks: ['only columns id'] });
  });

  test('is named with its circumstances: rows that policies decide about, a password that has ended', () => {
    const rowSecurity = [{ schema: 'core', name: 'play', forced: false }];
    const ann = { ...aRole('ann'), validUntil: '2026-01-01T00:00:00.000Z' };
    const graph = aGraph({
      roles: [ann, aRole('ben', { bypassrls: true })],
      groups: [someTables(['play'], [anEntry('PUBLIC', 'SELECT')])],
      database: { rowSecurity },
    });
    expect(ask(graph, 'ann').remarks).toEqual(['its password ended on 2026-01-01', 'rows as the policies of the table allow']);
    expect(ask(graph, 'ben')).toMatchObject({ remarks: [], text: 'SELECT to PUBLIC granted by owner' });
    const shut = aGraph({
      roles: [{ ...aRole('ann'), validUntil: '-infinity' }],
      groups: [someTables(['play'], [anEntry('PUBLIC', 'SELECT')])],
    });
    expect(ask(shut, 'ann').remarks).toEqual(['its password was never valid']);
  });
});

describe('access around a privilege', () => {
  const secret = someTables(['secret'], [anEntry('owner', 'SELECT')]);
  const SECRET = { ...PLAY, name: 'secret' };
  const view = { schema: 'core', name: 'v', owner: 'owner', reads: [{ schema: 'core', name: 'secret', columns: ['id'] }] };

  test('through a view that reads as its owner, and only for the columns that it reads', () => {
    const groups = [secret, someTables(['v'], [anEntry('ann', 'SELECT')])];
    const columnNames = new Map([['["core","secret"]', ['id', 'pan']]]);
    const graph = aGraph({ roles: [aRole('ann')], groups, database: { views: [view], columnNames } });
    expect(ask(graph, 'ann', SECRET)).toMatchObject({ verdict: 'no', holds: false, remarks: ['only columns id'] });
    const whole = aGraph({
      roles: [aRole('ann')],
      groups,
      database: { views: [{ ...view, reads: [{ schema: 'core', name: 'secret', columns: ['id', 'pan'] }] }], columnNames },
    });
    expect(ask(whole, 'ann', SECRET)).toMatchObject({ verdict: 'view', holds: false });
    expect(ask(graph, 'ann', { ...SECRET, column: 'id' }).text).toBe('through view core.v, which reads as owner (SELECT granted by owner)');
    expect(ask(graph, 'ann', { ...SECRET, column: 'pan' }).verdict).toBe('no');
  });

  test('through a view on a view', () => {
    const outer = { schema: 'core', name: 'w', owner: 'owner', reads: [{ schema: 'core', name: 'v', columns: ['id'] }] };
    const groups = [secret, someTables(['v'], [anEntry('owner', 'SELECT')]), someTables(['w'], [anEntry('ann', 'SELECT')])];
    const graph = aGraph({ roles: [aRole('ann')], groups, database: { views: [view, outer] } });
    expect(ask(graph, 'ann', SECRET).text).toContain('through view core.v, which reads as owner (through view core.w');
  });

  test('through a SECURITY DEFINER function that names the table is perhaps; one that does not name it is no way', () => {
    const call = someTables(['peek()', 'other()'], [anEntry('ann', 'EXECUTE')], { kind: 'routine' });
    const peek = {
      schema: 'core',
      name: 'peek()',
      owner: 'owner',
      language: 'plpgsql',
      body: 'begin return (select id from Secret); end',
      uses: [],
    };
    const other = { ...peek, name: 'other()', body: 'select 1 from secrets_of_others' };
    const graph = aGraph({ roles: [aRole('ann')], groups: [secret, call], database: { routines: [peek, other] } });
    const answer = ask(graph, 'ann', SECRET);
    expect(answer).toMatchObject({ verdict: 'routine', holds: false });
    expect(answer.routes).toHaveLength(1);
    expect(answer.text).toBe('through function core.peek(), which acts as owner and names it (EXECUTE granted by owner)');
    expect(ask(graph, 'ann', SECRET, 'UPDATE').verdict).toBe('no');
    const writes = { ...peek, body: 'begin update secret set id = 1; end' };
    const writable = aGraph({
      roles: [aRole('ann')],
      groups: [{ ...secret, acl: [anEntry('owner', 'UPDATE')] }, call],
      database: { routines: [writes] },
    });
    expect(ask(writable, 'ann', SECRET, 'UPDATE').verdict).toBe('routine');
  });

  test('through a function that puts its SQL together is possible, shown and not counted', () => {
    const call = someTables(['run()'], [anEntry('ann', 'EXECUTE')], { kind: 'routine' });
    const run = { schema: 'core', name: 'run()', owner: 'owner', language: 'plpgsql', body: 'begin execute $1; end', uses: [] };
    const answer = ask(aGraph({ roles: [aRole('ann')], groups: [secret, call], database: { routines: [run] } }), 'ann', SECRET);
    expect(answer.verdict).toBe('no');
    expect(answer.routes).toMatchObject([{ kind: 'routine', evidence: 'composes-sql' }]);
  });
});

describe('the way step by step', () => {
  const roles = [aRole('ann'), aRole('writer', {}, false), aRole('reader', {}, false)];
  const groups = [someTables(['play'], [anEntry('owner', 'SELECT'), anEntry('reader', 'SELECT')])];
  const step = (graph: AccessGraph, who: string): { readonly path: readonly Hop[]; readonly cut: readonly string[] } => {
    const { route } = ask(graph, who);
    const target = findTarget(graph, 'music', PLAY);
    if (route === undefined || target === undefined) throw new Error('no way');
    return { path: routePath(graph, who, route, PLAY, 'SELECT'), cut: cutSql(graph, who, route, target, 'SELECT') };
  };

  test('names each membership with its options and grantors, and the grant with its grantor; it ends where that is revoked', () => {
    const graph = aGraph({
      roles,
      memberships: [
        anEdge('ann', 'writer'),
        anEdge('ann', 'writer', { grantor: 'dba', admin: true, inherit: false }),
        anEdge('writer', 'reader'),
      ],
      groups,
    });
    expect(step(graph, 'ann')).toEqual({
      path: [
        { by: 'inherit', from: 'ann', to: 'writer', inherit: true, set: true, admin: true, grantors: ['postgres', 'dba'] },
        { by: 'inherit', from: 'writer', to: 'reader', inherit: true, set: true, admin: false, grantors: ['postgres'] },
        { by: 'grant', from: 'reader', to: 'table core.play', privilege: 'SELECT', column: undefined, grantor: 'owner', grantable: false },
      ],
      cut: ['REVOKE SELECT ON TABLE "core"."play" FROM "reader"'],
    });
  });

  test('after SET ROLE the membership is what can be revoked, once for each grantor; a superuser cannot be cut off', () => {
    const graph = aGraph({ roles, memberships: [anEdge('ann', 'owner', { inherit: false })], groups });
    expect(step(graph, 'ann')).toMatchObject({
      path: [
        { by: 'set-role', from: 'ann', to: 'owner', inherit: false },
        { by: 'owner', from: 'owner', to: 'table core.play' },
      ],
      cut: ['REVOKE "owner" FROM "ann" GRANTED BY "postgres"'],
    });
    expect(step(graph, 'postgres')).toEqual({ path: [{ by: 'superuser', from: 'postgres', to: 'table core.play' }], cut: [] });
  });

  test('goes through PUBLIC where everybody has it', () => {
    const graph = aGraph({ roles, groups: [someTables(['play'], [anEntry('PUBLIC', 'SELECT')])] });
    expect(step(graph, 'ann')).toMatchObject({
      path: [
        { by: 'public', from: 'ann', to: 'PUBLIC' },
        { by: 'grant', from: 'PUBLIC', to: 'table core.play', grantor: 'owner' },
      ],
      cut: ['REVOKE SELECT ON TABLE "core"."play" FROM PUBLIC'],
    });
  });
});
