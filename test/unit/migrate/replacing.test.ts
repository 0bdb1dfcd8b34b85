import { expect, test } from 'vitest';
import { brokenError, judgeErrors, type BodyError } from '../../../src/migrate/bodies/plan.ts';
import { sha256Of } from '../../../src/migrate/files/checksum.ts';
import { droppedNames, planGivingBack, type Grant, type ObjectGrants } from '../../../src/migrate/grants/plan.ts';
import { parseSqlFile, type Statement } from '../../../src/migrate/files/migration.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { makersOf, replaceTargets } from '../../../src/migrate/replace/plan.ts';
import type { Routine } from '../../../src/migrate/routines/routines.ts';

const parser = await loadSqlParser();
const routine = (name: string, text: string): Routine => {
  const file = { path: `${name}.sql`, location: `/${name}.sql`, text, sha256: sha256Of(text) };
  return { name, file, parsed: parseSqlFile(file, parser) };
};
const statement = (text: string): Statement => routine('core/x', text).parsed.statements[0] ?? expect.fail();

test.each([
  ['drop view core.v, w', ['v', 'w']],
  ['drop function core.f(int), g', ['f', 'g']],
  ['drop materialized view m', ['m']],
  ['drop view v cascade', 'any'],
  ['drop table t', ['t']],
  ['drop table t cascade', 'any'],
  ['drop schema s cascade', 'any'],
  ['do $$ begin drop view v; end $$', 'any'],
  ['alter table t drop column a cascade', 'any'],
  ['alter table t drop column a', undefined],
  ['drop index i', undefined],
  ['do $$ begin null; end $$', undefined],
  ['create view v as select 1', undefined],
])('droppedNames: %s', (text, names) => {
  expect(droppedNames(statement(text))).toEqual(names);
});

const grant = (grantee: string | undefined, privilege: string, grantable = false): Grant => ({ grantee, privilege, grantable });
const view = (changes: Partial<ObjectGrants>): ObjectGrants => ({
  class: 'relation',
  oid: '1',
  identity: 'core.v',
  type: 'VIEW',
  owner: 'dba',
  untouched: false,
  grants: [],
  comment: undefined,
  columns: [],
  columnNames: ['a', 'b'],
  ...changes,
});

test('planGivingBack: exactly what was there, no more, and not to roles that are gone', () => {
  const lost = view({
    grants: [grant('dba', 'SELECT'), grant('app', 'SELECT', true), grant('old', 'SELECT'), grant(undefined, 'SELECT')],
    comment: "it's",
  });
  const made = view({
    owner: 'new',
    grants: [grant('new', 'SELECT'), grant('new', 'INSERT'), grant('intruder', 'SELECT'), grant('app', 'SELECT')],
  });
  expect(planGivingBack(lost, made, new Set(['dba', 'new', 'app', 'intruder']))).toEqual({
    statements: [
      'revoke INSERT on table core.v from "new"',
      'revoke SELECT on table core.v from "intruder"',
      'grant SELECT on table core.v to "app" with grant option',
      'grant SELECT on table core.v to public',
      "comment on VIEW core.v is 'it''s'",
    ],
    said: ['SELECT to app', 'SELECT to PUBLIC', 'its comment'],
    gone: ['old'],
  });
});

test('planGivingBack: a grant option that defaults added is taken, columns that are gone are passed over', () => {
  const column = (name: string, grants: readonly Grant[], comment?: string): ObjectGrants['columns'][number] => ({ name, grants, comment });
  const lost = view({
    grants: [grant('app', 'SELECT')],
    columns: [column('a', [grant('app', 'UPDATE')], 'A'), column('gone', [grant('app', 'UPDATE')])],
  });
  const made = view({ grants: [grant('app', 'SELECT', true)] });
  expect(planGivingBack(lost, made, new Set(['app', 'dba'])).statements).toEqual([
    'revoke grant option for SELECT on table core.v from "app"',
    'grant UPDATE ("a") on table core.v to "app"',
    `comment on column core.v."a" is 'A'`,
  ]);
});

test('planGivingBack: an object nobody touched, or of another family, keeps what it was made with', () => {
  const made = view({ grants: [grant('app', 'SELECT')] });
  const roles = new Set(['app', 'dba']);
  expect(planGivingBack(view({ untouched: true, grants: [grant('dba', 'SELECT')] }), made, roles).statements).toEqual([]);
  expect(planGivingBack(view({ type: 'SEQUENCE', grants: [grant('app', 'USAGE')] }), made, roles).statements).toEqual([]);
});

test('replaceTargets: what a refused statement would have replaced, as the catalog finds it', () => {
  const targets = (text: string): readonly string[] => replaceTargets(statement(text)).map((each) => `${each.kind} ${each.text}`);
  expect(targets('create or replace view core."V" as select 1')).toEqual(['relation "core"."V"']);
  expect(targets('create or replace function f(a int, out b text, variadic c core.t[]) language sql as $$$$')).toEqual([
    'routine "f"("pg_catalog"."int4", "core"."t"[])',
  ]);
  expect(targets('drop materialized view if exists core.m')).toEqual(['relation "core"."m"']);
  expect(targets('drop procedure p(int), q')).toEqual(['routine "p"("pg_catalog"."int4")', 'routine "q"']);
  expect(targets('drop table t')).toEqual([]);
});

test('makersOf: views, routines, triggers and indexes by what the catalog calls them, overloads by every file that makes one', () => {
  const made = makersOf([
    routine(
      'core/a',
      'create or replace view v as select 1; create materialized view if not exists other.m as select 1; create index if not exists i on other.m (a)',
    ),
    routine(
      'core/b',
      'create or replace function f() returns trigger language sql as $$$$; create or replace trigger t after insert on x execute function f()',
    ),
    routine('core/c', 'create or replace function f(a int) returns int language sql as $$$$'),
  ]);
  expect([...made].map(([key, makers]) => `${key}: ${makers.map(({ name }) => name).join(', ')}`)).toEqual([
    'view core.v: core/a',
    'view other.m: core/a',
    'index other.i: core/a',
    'function core.f: core/b, core/c',
    'trigger t on core.x: core/b',
  ]);
});

const bodyError = (name: string, message: string): BodyError => {
  const rest = { table: undefined, sqlState: '42703', detail: undefined, hint: undefined, query: undefined };
  return { routine: `core.${name}()`, schema: 'core', name, line: 2, message, ...rest };
};
const check = (...errors: readonly BodyError[]): { readonly errors: readonly BodyError[]; readonly unchecked: number } => ({
  errors,
  unchecked: 0,
});

test('judgeErrors: new ones and those of routines of this run stop it; known and allowed ones do not', () => {
  const mine = routine('core/mine', 'create or replace function mine() returns int language plpgsql as $$\nbegin return x; end $$');
  const free = routine(
    'core/free',
    '-- dbadmin: allow plpgsql-check -- makes its own table\ncreate or replace function core.free() returns int language plpgsql as $$$$',
  );
  const errors = ['old', 'fresh', 'mine', 'free'].map((name) => bodyError(name, 'no column x'));
  const judged = judgeErrors(check(...errors.filter(({ name }) => name !== 'fresh')), check(...errors), [mine], [mine, free]);
  expect([judged.stopping.map(({ name }) => name), judged.known.map(({ name }) => name)]).toEqual([['fresh', 'mine'], ['old']]);
  expect(brokenError(judged.stopping, [mine], 'None.').detail?.split('\n')).toEqual([
    'core.fresh() line 2: no column x (42703)',
    'core/mine.sql:2: core.mine() line 2: no column x (42703)',
    'None.',
  ]);
});
