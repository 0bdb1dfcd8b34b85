import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { Secret } from '../../src/base/secret.ts';
import { inspectDumpSource } from '../../src/backup/dump/inspect.ts';
import { dumpManifestKey } from '../../src/backup/dump/layout.ts';
import type { DumpManifest } from '../../src/backup/dump/manifest.ts';
import { takeDump } from '../../src/backup/dump/run.ts';
import { findClientProgram } from '../../src/postgres/programs.ts';
import { sealAtHand } from '../../src/repository/envelope.ts';
import { addKey } from '../../src/repository/key-objects.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { ManualClock } from '../backup/manual-clock.ts';
import { makeRepository } from '../backup/repository.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';

// Wrote test/golden/format-2-dumps and -encrypted, with what pg_dump 15 made of an embedded PostgreSQL 14, and is kept to show how the next
// ones are made: for a released format each is written once and never again. `node test/golden/write-dumps.ts DIR [encrypted]`

const [directory = '', encrypted] = process.argv.slice(2);
const at = (hour: number): number => Date.UTC(2026, 10, 23, hour);

/** As dumps were before there was a checksum, and before what was asked for and the properties of databases were kept. */
async function makeFormat1(repository: Repository, keyPrefix: string, manifest: DumpManifest): Promise<void> {
  const { label, cluster, systemIdentifier, serverVersion, programVersion, tool, startedAt, finishedAt, globals, databases } = manifest;
  const described = { format: 1, label, cluster, systemIdentifier, serverVersion, programVersion, tool, startedAt, finishedAt };
  // Undefined stands in no JSON.
  const old = { ...described, globals, databases: databases.map((database) => ({ ...database, properties: undefined })) };
  const key = dumpManifestKey(keyPrefix, label);
  const text = Buffer.from(`${JSON.stringify(old, undefined, 2)}\n`);
  await repository.store.delete(key);
  async function* body(): AsyncGenerator<Buffer> {
    yield text;
  }
  await repository.store.create(key, repository.keys === undefined ? text : await sealAtHand(repository, 'dump', { key }, body()));
}

const repository = await makeRepository(directory, { encrypted: encrypted === 'encrypted' });
if (repository.keys !== undefined)
  await addKey(
    repository.store,
    repository.keys,
    { kind: 'key-file', content: new Secret('golden key file') },
    { note: 'golden', createdAt: new Date(at(0)) },
  );
const cluster = await startEmbeddedCluster({ major: 14 });
const spoolDirectory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-golden-'));
try {
  const admin = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await admin`create role reader`;
  await admin`create database music`;
  await admin`create database ${admin('odd näme')}`;
  await admin.end();
  const sql = postgres(cluster.url('music'), { max: 1, onnotice: () => undefined });
  await sql.unsafe(`create table play (id int primary key, track text); create table empty (id int); grant select on play to reader;
    insert into play select i, 'track ' || i from generate_series(1, 100) i; select lo_from_bytea(90001, 'a large object')`);
  await sql.end();
  const source = await inspectDumpSource(cluster.parameters());
  const keyPrefix = `${source.systemIdentifier}/`;
  const program = async (name: 'pg_dump' | 'pg_dumpall'): ReturnType<typeof findClientProgram> =>
    await findClientProgram(name, { atLeastMajor: 14 }, process.env);
  const dump = {
    repository,
    keyPrefix,
    clusterName: 'main',
    source,
    parameters: cluster.parameters(),
    selection: { databases: 'all', excluded: ['postgres'], schemaOnly: false, tables: [] },
    databases: ['music', 'odd näme'],
    leftOut: [{ database: 'postgres', reason: 'excluded' }],
    program: await program('pg_dump'),
    globalsProgram: await program('pg_dumpall'),
    env: process.env,
    spoolDirectory,
    tool: 'golden',
  } as const;
  await makeFormat1(repository, keyPrefix, await takeDump({ ...dump, clock: new ManualClock(at(1)) }));
  await takeDump({ ...dump, clock: new ManualClock(at(2)) });
  await takeDump({ ...dump, clock: new ManualClock(at(3)), format: 'directory', jobs: 2 });
} finally {
  await cluster.stop();
  await rm(spoolDirectory, { recursive: true, force: true });
  await repository.store.close();
}
