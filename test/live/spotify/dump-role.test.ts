import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { isDbadminError } from '../../../src/base/errors.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { connect } from '../roles/project.ts';
import { openAccessWorld, type AccessWorld } from './access-world.ts';
import { countOf } from './warehouse.ts';

/** The newest server whose dumps this machine can take; undefined where there is no pg_dump. */
async function dumpableMajor(): Promise<number | undefined> {
  try {
    return Math.min((await findClientProgram('pg_dump', { atLeastMajor: 14 }, process.env)).major, 18);
  } catch (error) {
    if (isDbadminError(error, 'program-missing')) return undefined;
    throw error;
  }
}

describe('the dump of the warehouse', () => {
  let world: AccessWorld | undefined;
  afterAll(async () => await world?.close());

  it('D1: svc_dump dumps the rows of everybody and comes back whole; whom policies hold for cannot leave rows out unseen', async (context) => {
    const major = await dumpableMajor();
    if (major === undefined) return context.skip('no pg_dump on this machine');
    world = await openAccessWorld(major);
    const { cluster, directory, admin } = world;
    const config = path.join(directory, 'dbadmin.yaml');
    await mkdir(path.join(directory, 'spool'));
    await writeFile(
      config,
      'version: 1\nclusters: { main: { repositories: [local] } }\nrepositories: { local: { type: disk, path: ./repository } }\n',
    );
    const as = async (user: string, ...args: readonly string[]): Promise<CommandEnd> =>
      await runInProcess([...args, '--config', config, '--url', cluster.url('listening', user), '--yes'], {
        PATH: process.env['PATH'] ?? '',
      });
    expect(await as('svc_dump', 'backup', 'init')).toMatchObject({ status: 0 });

    const dumped = await as('svc_dump', 'backup', 'dump', '--database', 'listening', '--json');
    expect([dumped.status, dumped.status === 0 ? '' : dumped.stderr]).toEqual([0, '']);
    const { label } = JSON.parse(dumped.stdout) as { label: string };
    // A dump is named after the second it began in: one that begins in the same is refused for that, before it has read a row.
    await setTimeout(1100);
    const refused = await as('visiting_auditor', 'backup', 'dump', '--database', 'listening');
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/row-level security|permission denied/)]);

    const restored = await as('postgres', 'restore', '--dump', label, '--name', 'listening=again');
    expect([restored.status, restored.status === 0 ? '' : restored.stderr]).toEqual([0, '']);
    const again = connect(cluster.url('again'));
    try {
      for (const table of ['raw.streaming_history', 'core.play', 'core.listener', 'mart.fact_play', 'audit.change'])
        expect(await countOf(again, `select count(*) from ${table}`), table).toBe(await countOf(admin, `select count(*) from ${table}`));
    } finally {
      await again.end({ timeout: 1 });
    }
  });
});
