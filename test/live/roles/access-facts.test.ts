import type { Sql } from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectAccess } from '../../../src/roles/access/inspect.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { compareFacts } from './access-oracle.ts';
import { EVERY_EXTENSION, trickyPrivileges } from './access-schemas.ts';
import { MatrixFacts } from './matrix-oracle.ts';
import { seeded, WORLD_ROLES, worldObjects, worldSteps } from './access-world.ts';
import { connect } from './project.ts';

const MAJORS = [14, 15, 16, 17, 18] as const;
/** More seeds by hand: DBADMIN_ACCESS_SEEDS=50. */
const SEEDS = Number(process.env['DBADMIN_ACCESS_SEEDS'] ?? 1);
const FIRST_SEED = Number(process.env['DBADMIN_ACCESS_SEED'] ?? 20261121);

describe.each(MAJORS)('effective access on PostgreSQL %i', (major) => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await startTestCluster({ major });
  });

  afterEach(async () => {
    await cluster?.stop();
  });

  // A cluster for each: what its roles granted one another on tablespaces, DROP OWNED does not always take back.
  it.each(Array.from({ length: SEEDS }, (_, at) => FIRST_SEED + at))(
    'is what the server answers, for every role, object and privilege, seed %i',
    async (seed) => {
      const postgres = connect(cluster.url());
      await postgres.unsafe('create database music');
      await postgres.end();
      const music = connect(cluster.url('music'));
      const done = await makeWorld(music, major, seed);
      const graph = await inspectAccess(cluster.parameters(), ['music']);
      const roles = [...WORLD_ROLES, 'postgres', 'pg_read_all_data', 'pg_database_owner'];
      await music`select set_config('search_path', '', false)`;
      const { facts, held, missing, extra, inMatrix, wrongInMatrix } = await compareFacts(music, graph, 'music', roles);
      const { compared, different } = new MatrixFacts(graph, 'music').differencesFromWhoCan(roles);
      console.log(
        `PostgreSQL ${major}, seed ${seed}: ${done} grants and revokes, ${facts} facts, ${held} held, ${missing.length} missing, ${extra.length} extra; ${inMatrix} of them in the matrix, ${wrongInMatrix.length} wrong; ${compared} marks compared with who-can, ${different.length} different`,
      );
      expect({ missing, extra, wrongInMatrix, different }).toEqual({ missing: [], extra: [], wrongInMatrix: [], different: [] });
      expect(inMatrix).toBeGreaterThan(1000);
      expect(facts).toBeGreaterThan(100_000);
      await music.end();
    },
    120_000,
  );

  // The oldest and the newest are enough: each takes as long as the random ones.
  if (major !== 14 && major !== 18) return;
  it('is so in schemas that nobody here designed: every extension there is', async () => {
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    const music = connect(cluster.url('music'));
    await music.unsafe(trickyPrivileges(major));
    await music.unsafe(EVERY_EXTENSION);
    await music`select set_config('search_path', '', false)`;
    const graph = await inspectAccess(cluster.parameters(), ['music']);
    const roles = [...graph.roles.keys()].filter((name) => !name.startsWith('pg_'));
    const { facts, held, missing, extra, wrongInMatrix } = await compareFacts(music, graph, 'music', roles);
    console.log(`PostgreSQL ${major}, extensions: ${facts} facts, ${held} held, ${missing.length} missing, ${extra.length} extra`);
    expect({ missing, extra, wrongInMatrix }).toEqual({ missing: [], extra: [], wrongInMatrix: [] });
    await music.end();
  }, 120_000);
});

/** How many of the steps the server allowed. */
async function makeWorld(sql: Sql, major: number, seed: number): Promise<number> {
  const random = seeded(seed);
  for (const statement of worldObjects(major, random)) await sql.unsafe(statement);
  let done = 0;
  for (const { as, sql: statement } of worldSteps(major, random, 400)) {
    await sql.unsafe(as === undefined ? 'reset session authorization' : `set session authorization "${as.replaceAll('"', '""')}"`);
    done += await sql.unsafe(statement).then(
      () => 1,
      () => 0,
    );
  }
  await sql.unsafe('reset session authorization');
  return done;
}
