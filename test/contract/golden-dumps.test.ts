import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { isDbadminError } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import type { DumpManifest } from '../../src/backup/dump/manifest.ts';
import { listDumps, readDumpManifest, spoolDumped } from '../../src/backup/dump/stored-dump.ts';
import { findClientProgram } from '../../src/postgres/programs.ts';
import { listClusters } from '../../src/repository/identity.ts';
import type { Unlock } from '../../src/repository/key-objects.ts';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { verifyEverything } from '../backup/verify-report.ts';

/** Written once by test/golden/write-dumps.ts, and never again: what is said here is what it wrote. */
const GOLDEN = path.resolve(import.meta.dirname, '..', 'golden');
const none: Unlock = { kind: 'none' };
const keyFile: Unlock = { kind: 'key-file', content: new Secret('golden key file') };
/** By the format of their manifests. */
const LABELS = { 1: '20261123T010000Z-dump', 2: '20261123T020000Z-dump', 3: '20261123T030000Z-dump' } as const;
const ROWS = Array.from({ length: 100 }, (_, n) => `${n + 1}\ttrack ${n + 1}\n`).join('');

describe.each([
  ['format-2-dumps', none, '7711417664437868901'],
  ['format-2-dumps-encrypted', keyFile, '7711417713692523240'],
] as const)('of the golden repository %s', (name, unlock, systemIdentifier) => {
  const prefix = `${systemIdentifier}/`;
  const { signal } = new AbortController();
  let repository: Repository;
  let directory: string;

  beforeAll(async () => {
    repository = await openRepository(await openDiskStore(path.join(GOLDEN, name)), unlock);
    directory = mkdtempSync(path.join(os.tmpdir(), 'dbadmin-golden-'));
  });
  afterAll(async () => {
    await repository.store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const spooled = async (manifest: DumpManifest, database: string): Promise<string> => {
    const dumped = manifest.databases.find((each) => each.database === database);
    if (dumped === undefined) throw new Error(`${database} is not in ${manifest.label}`);
    const place = path.join(directory, `${manifest.format}-${databaseFile(database)}-${readdirSync(directory).length}`);
    await spoolDumped(repository, dumped, place, signal);
    return place;
  };

  test('every format of a manifest is read, with all that it says', async () => {
    expect(await listDumps(repository, prefix)).toEqual(Object.values(LABELS));
    for (const [format, label] of Object.entries(LABELS)) {
      const manifest = await readDumpManifest(repository, prefix, label);
      const databases = ['music', 'odd näme'].map((database) => ({ database, ...(format === '3' ? { format: 'directory' } : {}) }));
      expect(manifest).toMatchObject({ format: Number(format), label, serverVersion: '14.23', programVersion: '15.18', databases });
      expect(Object.hasOwn(manifest.databases[0] ?? {}, 'format')).toBe(format === '3');
      expect(manifest.selection).toEqual(
        format === '1' ? undefined : { databases: 'all', excluded: ['postgres'], schemaOnly: false, tables: [] },
      );
      expect(manifest.leftOut).toEqual(format === '1' ? undefined : [{ database: 'postgres', reason: 'excluded' }]);
      const owners = manifest.databases.map(({ properties }) => properties?.owner);
      expect(owners).toEqual(format === '1' ? [undefined, undefined] : ['postgres', 'postgres']);
      const globals = path.join(directory, `globals-${format}`);
      await spoolDumped(repository, manifest.globals, globals, signal);
      expect(readFileSync(globals, 'utf8')).toContain('CREATE ROLE reader;\n');
    }
  });

  test('the archive of the directory format gives the files that pg_dump wrote', async () => {
    const manifest = await readDumpManifest(repository, prefix, LABELS[3]);
    const place = await spooled(manifest, 'music');
    expect(readdirSync(place).sort()).toEqual(['3249.dat.gz', '3250.dat.gz', 'blob_90001.dat.gz', 'blobs.toc', 'toc.dat']);
    const unpacked = (file: string): string => gunzipSync(readFileSync(path.join(place, file))).toString('utf8');
    expect(unpacked('3249.dat.gz')).toBe(`${ROWS}\\.\n\n\n`);
    expect(unpacked('3250.dat.gz')).toBe('\\.\n\n\n');
    expect(unpacked('blob_90001.dat.gz')).toBe('a large object');
    expect(readFileSync(path.join(place, 'toc.dat')).subarray(0, 5).toString()).toBe('PGDMP');
    expect(readdirSync(await spooled(manifest, 'odd näme'))).toEqual(['toc.dat']);
  });

  test('pg_restore takes all of them', async (context) => {
    const program = await findClientProgram('pg_restore', { atLeastMajor: 15 }, process.env).catch((error: unknown) => {
      if (isDbadminError(error, 'program-missing')) return undefined;
      throw error;
    });
    if (program === undefined) {
      context.skip('no pg_restore of 15 or newer on this machine');
      return;
    }
    for (const label of Object.values(LABELS)) {
      const place = await spooled(await readDumpManifest(repository, prefix, label), 'music');
      const sql = execFileSync(program.path, ['--file=-', place], { encoding: 'utf8' });
      for (const part of ['CREATE TABLE public.empty', 'GRANT SELECT ON TABLE public.play TO reader', ROWS, "lo_create('90001')"])
        expect(sql).toContain(part);
    }
  });

  test('a verification that reads everything finds nothing wrong', async () => {
    const [cluster] = await listClusters(repository);
    expect(cluster).toEqual({ systemIdentifier, name: 'main', serverVersion: 140023, walSegmentBytes: expect.any(Number) as number });
    if (cluster === undefined) return;
    const report = await verifyEverything(repository, cluster, systemClock);
    expect(report.faults).toEqual([]);
    expect(report.tally.dumps).toBe(3);
  });

  test('nothing of ours is needed for a clear one: sha256 and tar', async () => {
    const { databases } = await readDumpManifest(repository, prefix, LABELS[3]);
    for (const { key, sha256 } of databases) {
      const file = path.join(GOLDEN, name, key);
      expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);
      if (unlock.kind !== 'none') continue;
      expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' })).toContain('toc.dat\n');
    }
  });
});

function databaseFile(database: string): string {
  return database.replaceAll(/[^a-z]/g, '_');
}
