import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readGlobals } from '../../../src/backup/dump/globals-text.ts';
import { inspectDumpSource } from '../../../src/backup/dump/inspect.ts';
import { restoreDump } from '../../../src/backup/dump/restore-run.ts';
import { takeDump } from '../../../src/backup/dump/run.ts';
import { readDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { dumpRequest, findDumpPrograms, type DumpPrograms } from '../../backup/dump-request.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const programs = await findDumpPrograms();
if (programs === undefined) {
  it('restores globals in other encodings', (context) => context.skip('no pg_dump, pg_dumpall and pg_restore on this machine'));
} else {
  describeEncodings(programs);
}

function describeEncodings(found: DumpPrograms): void {
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let spoolDirectory: string;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: Math.min(found.pgDump.major, 18) });
    sql = postgres(cluster.url('template1'), { max: 1, onnotice: () => undefined });
    spoolDirectory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-dump-test-'));
  });

  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await cluster.stop();
    await rm(spoolDirectory, { recursive: true, force: true });
  });

  it('reads each encoding as the server does', async () => {
    const known = ['LATIN1', 'LATIN2', 'LATIN3', 'LATIN4', 'LATIN5', 'LATIN6', 'LATIN7', 'LATIN8', 'LATIN9', 'LATIN10', 'KOI8R', 'WIN866'];
    const windows = [1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 874].map((page) => `WIN${page}`);
    for (const encoding of [...known, 'ISO_8859_5', 'ISO_8859_6', 'ISO_8859_7', 'ISO_8859_8', ...windows]) {
      const head = Buffer.from(`SET client_encoding = '${encoding}';\n`);
      for (let byte = 0x80; byte < 0x100; byte += 1) {
        const says = await sql<{ text: string }[]>`select convert_from(${Buffer.from([byte])}::bytea, ${encoding}) as text`.catch(() => []);
        // What the server has no character for is in no name that it can show.
        if (says[0] === undefined) continue;
        expect(readGlobals(Buffer.concat([head, Buffer.from([byte])])), `${encoding} 0x${byte.toString(16)}`).toBe(
          head.toString() + says[0].text,
        );
      }
    }
  });

  it('brings a role back by its name from a cluster whose database postgres is LATIN1', async () => {
    await sql.unsafe('drop database postgres');
    await sql.unsafe(`create database postgres template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'`);
    const inLatin1 = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await inLatin1.unsafe(`create role "müller" login; comment on role "müller" is 'größer'`);
    const parameters = cluster.parameters();
    const repository = await makeMemoryRepository();
    const source = await inspectDumpSource(parameters);
    const wanted = { repository, source, parameters, databases: ['postgres'], spoolDirectory };
    const { label } = await takeDump(dumpRequest(found, wanted));
    await inLatin1.unsafe('drop role "müller"');
    const { globals } = await restoreDump({
      repository,
      manifest: await readDumpManifest(repository, '1/', label),
      databases: new Map(),
      globals: true,
      parameters,
      program: found.pgRestore,
      jobs: 1,
      env: process.env,
      spoolDirectory,
      signal: new AbortController().signal,
    });
    expect(globals?.applied).toBeGreaterThan(0);
    expect(
      await inLatin1`select rolname as name, rolcanlogin as login, shobj_description(oid, 'pg_authid') as comment from pg_roles where rolname ~ '^m'`,
    ).toEqual([{ name: 'müller', login: true, comment: 'größer' }]);
    await inLatin1.end({ timeout: 1 });
  });
}
