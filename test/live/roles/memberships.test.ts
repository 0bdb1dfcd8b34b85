import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeChange } from '../../../src/roles/describe.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, type Project } from './project.ts';

const file = (major: number, edges: string, more = ''): string => `
version: 1
${more}
scope: { roles: ["app_*", "svc_*", ann] }
groups: { app_team: {}, app_other: {} }
services: { svc_maker: { attributes: [createrole], settings: { ${major >= 16 ? 'createrole_self_grant: [set, inherit]' : ''} } } }
humans: { ann: { member_of: ${edges} } }
`;

describe.each([14, 18])('memberships on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let project: Project;
  let sql: Sql;
  const text = (edges: string, more = ''): string => file(major, edges, more);

  beforeAll(async () => {
    cluster = await startTestCluster({ major });
    sql = connect(cluster.url());
    project = await openProject(cluster);
    await project.apply(text('[app_team]'));
  });

  afterAll(async () => {
    await project?.close();
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('says until when one is given, warns when its end is near, and takes it away after that with the reason', async () => {
    const soon = new Date(Date.now() + 6.5 * 86_400_000).toISOString();
    await project.apply(text('[]'));
    const plan = await project.plan(text('[{ role: app_team, until: 2099-01-31 }]'));
    expect(plan.changes.map((change) => describeChange(change).remark)).toEqual([expect.stringMatching(/until 2099-01-31$/)]);
    await project.apply(text('[{ role: app_team, until: 2099-01-31 }]'));
    expect((await project.plan(text('[{ role: app_team, until: 2099-01-31 }]'))).notes).toEqual([]);
    expect((await project.plan(text(`[{ role: app_team, until: "${soon.slice(0, 19)}Z" }]`))).notes).toEqual([
      expect.stringMatching(/^the membership of ann in app_team ends .*, in 6 days; the apply after that takes it away$/),
    ]);
    const over = text('[{ role: app_team, until: 2026-01-31 }]');
    expect(await project.lines(over)).toEqual([
      expect.stringMatching(/^ann − member of app_team \(ended 2026-01-31(?:, granted by postgres)?\)$/),
    ]);
    const added = await project.plan(text('[{ role: app_team, until: 2026-01-31 }]', 'mode: add'));
    expect([added.changes, added.notes]).toEqual([
      [],
      expect.arrayContaining(['the membership of ann in app_team ended 2026-01-31; mode add leaves it']),
    ]);
    await project.apply(over);
    expect(await sql`select from pg_auth_members where member = 'ann'::regrole`).toHaveLength(0);
    expect(await project.lines(over)).toEqual([]);
  });

  if (major < 16) return;

  it('leaves to a role that may create roles what came with those it made, and names it', async () => {
    const maker = connect(cluster.url('postgres', 'svc_maker'));
    await maker.unsafe('create role made_by_it; create role app_third');
    await maker.end();
    const plan = await project.plan(text('[]'));
    expect(plan.changes).toEqual([]);
    expect(plan.unmanaged.memberships).toEqual(expect.arrayContaining(['made_by_it → svc_maker']));
    const declared = await project.lines(text('[]').replace('app_other: {}', 'app_other: {}, app_third: {}'));
    expect(declared).toEqual([
      'svc_maker − member of app_third (granted by svc_maker)',
      'svc_maker − member of app_third (granted by postgres)',
    ]);
  });

  it('each option of an edge is its own', async () => {
    for (const inherit of [true, false]) {
      for (const set of [true, false]) {
        for (const admin of [true, false]) {
          const edge = text(`[{ role: app_team, inherit: ${inherit}, set: ${set}, admin: ${admin} }]`);
          await project.apply(edge);
          expect(
            await sql`select inherit_option as inherit, set_option as set, admin_option as admin from pg_auth_members where member = 'ann'::regrole`,
          ).toEqual([{ inherit, set, admin }]);
          expect(await project.lines(edge)).toEqual([]);
        }
      }
    }
  });
});
