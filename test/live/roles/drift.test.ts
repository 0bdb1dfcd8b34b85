import fc from 'fast-check';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDbadminError } from '../../../src/base/errors.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, type Project } from './project.ts';
import { randomDocument } from './random-document.ts';
import { decidedState, handDrift, runByHand } from './hand-drift.ts';

const MAJORS = [14, 15, 16, 17, 18] as const;
/** `npm run test:drift` runs many more. */
const RUNS = Number(process.env['DBADMIN_TEST_DRIFTS'] ?? 4);
const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? 20_261_121);

const OBJECTS = `
  create schema core; create schema mart;
  create table core.play (id bigint generated always as identity primary key, note text);
  create table core.audit_log (at timestamptz);
  create table core.part (id int) partition by range (id);
  create view core.v as select 1 as one;
  create materialized view mart.top as select 1 as one;
  create table core.account (id int, email text);
  create function core.f(int, text) returns int language sql as 'select 1';
  create procedure core.p() language sql as 'select 1';
  create type core.mood as enum ('good', 'bad');
  create foreign data wrapper files; create server lake foreign data wrapper files`;

describe.each(MAJORS)('random files and random drift on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let project: Project;
  let music: Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    music = connect(cluster.url('music'));
    await music.unsafe(OBJECTS);
    await music.unsafe('set allow_in_place_tablespaces = on');
    await music.unsafe("create tablespace fast location ''");
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('whatever is changed by hand is found, and apply leads back to where it was', async () => {
    await fc.assert(
      fc.asyncProperty(randomDocument(major), handDrift(major), async (text, drift) => {
        try {
          await project.apply(text);
        } catch (error) {
          // A file may ask for what cannot hold, such as a column rule beside the whole table.
          fc.pre(!isDbadminError(error, 'roles-invalid'));
          throw error;
        }
        expect(await project.lines(text)).toEqual([]);
        const before = await decidedState(music, major, text);
        const done = await runByHand(music, drift);
        const drifted = await decidedState(music, major, text);
        const lines = await project.lines(text);
        if (JSON.stringify(drifted) !== JSON.stringify(before)) expect(lines, done.join('; ')).not.toEqual([]);
        await project.apply(text);
        expect(await project.lines(text), done.join('; ')).toEqual([]);
        expect(await decidedState(music, major, text), done.join('; ')).toEqual(before);
      }),
      { seed: SEED + major, numRuns: RUNS, endOnFailure: true },
    );
  });
});
