import fc from 'fast-check';
import { isDbadminError } from '../../../src/base/errors.ts';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLE_ATTRIBUTES } from '../../../src/roles/document/document.ts';
import type { AccessEntry, AccessGraph } from '../../../src/roles/access/graph.ts';
import { inspectAccess } from '../../../src/roles/access/inspect.ts';
import { plannedAccess } from '../../../src/roles/access/planned.ts';
import { granteeText } from '../../../src/roles/state.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, type Project } from './project.ts';
import { randomDocument } from './random-document.ts';

const OBJECTS = `
  create schema core; create schema mart;
  create table core.play (id bigint generated always as identity primary key, note text);
  create table core.audit_log (at timestamptz); create table core.part (id int) partition by range (id);
  create view core.v as select 1 as one; create materialized view mart.top as select 1 as one;
  create function core.f(int, text) returns int language sql as 'select 1';
  create procedure core.p() language sql as 'select 1';
  create type core.mood as enum ('good', 'bad'); create domain core.positive as int;
  create aggregate core.total(int) (sfunc = int4pl, stype = int, initcond = '0'); create type core.span as range (subtype = int);
  create table core.account (id int, email text, country text); create foreign data wrapper files; create server lake foreign data wrapper files;
  create foreign table mart.outside_file (line text) server lake; create table mart.counted (id serial);`;

/** Objects and roles as lines that are equal for equal clusters, whatever the order of entries. */
function linesOf({ roles, memberships, shared, databases }: AccessGraph): readonly string[] {
  const acl = (entries: readonly AccessEntry[]): string =>
    entries
      .map(({ grantee, privilege, grantor, grantable }) => `${granteeText(grantee)}=${privilege}${grantable ? '*' : ''}/${grantor}`)
      .sort()
      .join(' ');
  const inside = [...databases.values()];
  const groups = [...shared, ...inside.flatMap((database) => database.groups)].filter(
    ({ schema }) => schema === undefined || !/^(pg_|information)/.test(schema),
  );
  return [
    ...[...roles.values()].map(
      ({ name, login, attributes }) => `role ${name} ${login} ${ROLE_ATTRIBUTES.filter((each) => attributes[each]).join(' ')}`,
    ),
    ...memberships.map(({ role, member, admin, inherit, set }) => JSON.stringify({ role, member, admin, inherit, set })),
    // The catalog forgets a parameter on which nobody but its owner has anything.
    ...groups
      .filter(({ kind, owner, acl: entries }) => kind !== 'parameter' || entries.some(({ grantee }) => granteeText(grantee) !== owner))
      .flatMap(({ kind, schema, owner, names, acl: entries }) =>
        names.map((name) => `${kind} ${schema ?? ''}.${name} of ${owner}: ${acl(entries)}`),
      ),
    ...inside.flatMap(({ columns }) =>
      columns
        .filter((column) => column.acl.length > 0)
        .map((column) => `column ${column.schema}.${column.table}.${column.column}: ${acl(column.acl)}`),
    ),
  ].sort();
}

/** `npm run test:access` runs more. */
const RUNS = Number(process.env['DBADMIN_ACCESS_RUNS'] ?? 5);

describe.each([15, 17])('the access that a plan would leave on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let music: Sql;
  let project: Project;

  beforeAll(async () => {
    cluster = await startTestCluster({ major, settings: { allow_in_place_tablespaces: 'on' } });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    music = connect(cluster.url('music'));
    await music.unsafe(OBJECTS);
    await music.unsafe("create tablespace fast location ''");
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it(
    'is the access that is there once it is applied',
    async () => {
      const read = async (): Promise<AccessGraph> => await inspectAccess(cluster.parameters(), ['music']);
      await fc.assert(
        fc.asyncProperty(randomDocument(major), async (text) => {
          const before = await read();
          const { changes } = await project.plan(text).catch((error: unknown) => {
            // A file may ask for what cannot hold, such as a column rule for the owner.
            fc.pre(!isDbadminError(error, 'roles-invalid'));
            throw error;
          });
          const planned = plannedAccess(before, changes);
          await project.apply(text);
          expect(linesOf(planned)).toEqual(linesOf(await read()));
        }),
        { numRuns: RUNS, seed: 20_261_121, endOnFailure: true },
      );
    },
    RUNS * 12_000,
  );
});
