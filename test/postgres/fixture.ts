import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import type { ClusterOptions, TestCluster } from './cluster.ts';
import { startCluster } from './start-cluster.ts';

/** A cluster of this test file's own: for suites whose effects are cluster-wide (roles, backups, WAL). Stop it in afterAll. */
export async function startTestCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  return await startCluster(options, inject('providers'));
}

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  readonly major: number;
  /** A connection as superuser. */
  readonly sql: postgres.Sql;
  /** Closes the connection and drops the database. */
  drop(): Promise<void>;
}

/** A database of this test file's own in the cluster that all files share. Drop it in afterAll. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const base = inject('sharedClusterUrl');
  const name = `t_${randomBytes(6).toString('hex')}`;
  const admin = postgres(base, { max: 1, onnotice: () => undefined });
  await admin.unsafe(`create database ${name}`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  const sql = postgres(url.href, { max: 4, onnotice: () => undefined });
  return {
    name,
    url: url.href,
    major: inject('sharedClusterMajor'),
    sql,
    drop: async () => {
      await sql.end({ timeout: 1 });
      await admin.unsafe(`drop database if exists ${name} with (force)`);
      await admin.end({ timeout: 1 });
    },
  };
}
