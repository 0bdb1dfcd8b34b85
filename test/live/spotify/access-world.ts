import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type postgres from 'postgres';
import { writeGenerated } from '../../../src/spotify/generate/run.ts';
import { runInProcess } from '../../backup/in-process.ts';
import type { CommandEnd } from '../../backup/command.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, outcome, type Project } from '../roles/project.ts';
import { load, migrateWarehouse, PROJECT } from './warehouse.ts';

/** The warehouse in a cluster of its own, with the roles of roles/roles.yaml, two listeners who log in, and rows of both. */
export interface AccessWorld {
  readonly cluster: TestCluster;
  readonly project: Project;
  /** roles/roles.yaml, with temporary memberships that are not over while tests run. */
  readonly file: string;
  /** Where that text lies. */
  readonly rolesFile: string;
  readonly directory: string;
  readonly admin: postgres.Sql;
  /** The SQLSTATE of a statement as `role`, or `ok`; nothing of it stays. Roles that do not log in are tried, too. */
  as(role: string, statement: string): Promise<string>;
  /** `dbadmin …` for the warehouse, as `user`. */
  dbadmin(args: readonly string[], user?: string): Promise<CommandEnd>;
  close(): Promise<void>;
}

/** Rows that no load of this data makes, of both listeners. */
const ROWS = `
  insert into core.device (listener_id, name) select listener_id, 'Phone of ' || name from core.listener;
  insert into core.follow (listener_id, artist_id) select l.listener_id, min(a.artist_id) from core.listener as l, core.artist as a group by 1;
  insert into core.saved_track (listener_id, track_id) select l.listener_id, min(t.track_id) from core.listener as l, core.track as t group by 1 on conflict do nothing;
  insert into core.album (name, spotify_id) values ('Album', 'album1') on conflict do nothing;
  insert into core.saved_album (listener_id, album_id) select l.listener_id, min(b.album_id) from core.listener as l, core.album as b group by 1;
  insert into core.playlist (name, owner_id) select 'Own list of ' || name, listener_id from core.listener;
  insert into core.playlist_track (playlist_id, track_id, batch_id, row_no)
    select p.playlist_id, (select min(track_id) from core.track), min(b.batch_id), 7000 + p.playlist_id
    from core.playlist as p join core.listener as l on l.listener_id = p.owner_id join raw.batch as b on b.listener_name = l.name
    where p.name like 'Own list%' group by 1, 2, p.playlist_id;
  insert into core.top_list (listener_id, kind, time_range, taken_at)
    select listener_id, kind, 'short_term', now() from core.listener, unnest(array['artists', 'tracks']) as kind;
  insert into core.top_list_track (top_list_id, rank, track_id)
    select top_list_id, 1, (select min(track_id) from core.track) from core.top_list where kind = 'tracks';
  insert into core.top_list_artist (top_list_id, rank, artist_id)
    select top_list_id, 1, (select min(artist_id) from core.artist) from core.top_list where kind = 'artists';
  update core.listener set country = 'DE', time_zone = 'Europe/Berlin';
  insert into core.listener_login (login, listener_id) select 'listener_' || right(name, 1), listener_id from core.listener;
  call mart.refresh()`;

/** Before 16 a membership has no options of its own. */
function forMajor(text: string, major: number): string {
  return major >= 16 ? text : text.replaceAll(/\{ role: (\w+), inherit: \w+, set: \w+ \}/g, '$1');
}

export async function openAccessWorld(major = 17): Promise<AccessWorld> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-access-'));
  const text = forMajor(await readFile(path.join(PROJECT, 'roles/roles.yaml'), 'utf8'), major);
  const file = text.replaceAll(/until: [\d-]+/g, `until: ${new Date(Date.now() + 400 * 86_400_000).toISOString().slice(0, 10)}`);
  const cluster = await startTestCluster({ major });
  const postgres = connect(cluster.url());
  await postgres.unsafe('create database listening');
  await postgres.end();
  await migrateWarehouse(cluster.url('listening'));
  const admin = connect(cluster.url('listening'));
  const generated = path.join(directory, 'generated');
  await writeGenerated(generated, { listeners: 2, plays: 100, seed: 3 });
  await load(admin, generated);
  await admin.unsafe(ROWS);
  const rolesFile = path.join(directory, 'roles.yaml');
  await writeFile(rolesFile, file);
  const project = await openProject(cluster);
  await project.apply(file);
  await admin.unsafe(
    'create role listener_1 login connection limit 5 in role warehouse_listener; create role listener_2 login connection limit 5 in role warehouse_listener; create role listener_of_nobody login connection limit 5 in role warehouse_listener',
  );
  return {
    cluster,
    project,
    file,
    rolesFile,
    directory,
    admin,
    as: async (role, statement) =>
      await outcome(cluster, 'listening', 'postgres', `set session authorization "${role}"; begin; ${statement}; rollback`),
    dbadmin: async (args, user) => await runInProcess([...args, '--url', cluster.url('listening', user)], {}),
    close: async () => {
      await project.close();
      await admin.end({ timeout: 1 });
      await cluster.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
