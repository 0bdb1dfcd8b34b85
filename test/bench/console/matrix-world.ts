import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { connect } from '../roles/tables.ts';
import { run, type Ended } from '../backup/processes.ts';

export interface MatrixSize {
  readonly roles: number;
  readonly objects: number;
}

const GROUPS = 50;
const SCHEMAS = 25;
const ROWS_PER_STATEMENT = 500;

/**
 * A cluster of so many roles and tables, each table with grants like no other's: nothing of it can share a row, which is as
 * large as a matrix gets.
 */
export async function startMatrixWorld({ roles, objects }: MatrixSize): Promise<TestCluster> {
  const cluster = await startEmbeddedCluster({ major: 17, settings: { max_locks_per_transaction: '512' } });
  const sql = connect(cluster.url());
  try {
    await sql.unsafe(
      `do $$ begin
      for i in 0..${GROUPS - 1} loop execute format('create role team_%s', i); end loop;
      for i in ${GROUPS}..${roles - 1} loop
        execute format('create role person_%s login', i);
        execute format('grant team_%s, team_%s to person_%s', i %% ${GROUPS}, (i * 7 + 3) %% ${GROUPS}, i);
        if i %% 10 = 0 then execute format('grant team_%s to person_%s with inherit false', (i / 10) %% ${GROUPS}, i); end if;
      end loop; end $$`.replaceAll('%%', '%'),
    );
    for (let schema = 0; schema < SCHEMAS; schema += 1)
      await sql.unsafe(`create schema area_${schema}; grant usage on schema area_${schema} to team_${schema}, team_${schema + 25}`);
    for (let from = 0; from < objects; from += ROWS_PER_STATEMENT) {
      const to = Math.min(objects, from + ROWS_PER_STATEMENT) - 1;
      await sql.unsafe(`do $$ declare t text; begin
        for i in ${from}..${to} loop
          t := format('area_%s.measurement_of_%s', i % ${SCHEMAS}, i);
          execute format('create table %s (id int)', t);
          execute format('grant select on %s to team_%s, person_%s', t, i % ${GROUPS}, ${GROUPS} + i % ${roles - GROUPS});
          execute format('grant insert, update on %s to team_%s, person_%s', t, (i * 13 + i / 50) % ${GROUPS}, ${GROUPS} + (i * 31) % ${roles - GROUPS});
          execute format('grant delete on %s to person_%s', t, ${GROUPS} + (i * 17) % ${roles - GROUPS});
        end loop; end $$`);
    }
    await sql.unsafe('analyze');
    return cluster;
  } finally {
    await sql.end();
  }
}

/** The document of the command that reads it, with how long that took and the memory it had. */
export async function askMatrix(cluster: TestCluster, cli: string, signal: AbortSignal): Promise<Ended> {
  return await run([process.execPath, cli, 'roles', 'matrix', '--json', '--url', cluster.url()], signal);
}
