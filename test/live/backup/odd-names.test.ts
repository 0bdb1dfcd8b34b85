import { execFileSync } from 'node:child_process';
import { chmod, chown, lchown, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ServerPrograms } from '../../../src/postgres/server.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

/** From 17 on an incremental backup does not read what has not changed. */
const MAJORS = [...drawn(import.meta.filename, [14, 15]), ...drawn(import.meta.filename, [17, 18])];

/** A path in ISO 8859-1: with an umlaut it is not UTF-8. */
const odd = (...parts: readonly string[]): Buffer => Buffer.from(path.join(...parts), 'latin1');

describe.each(MAJORS)('names that are not UTF-8 in a cluster of PostgreSQL %i', (major) => {
  let directory: string;
  let repository: Repository;
  let cluster: TestCluster;
  let programs: ServerPrograms;
  let data: string;
  let space: { readonly oid: string; readonly path: string; readonly version: string };
  /** Of the database `postgres`, relative to the data directory. */
  let database: string;
  let made: Buffer[] = [];

  beforeAll(async () => {
    directory = await makeDirectory();
    repository = await makeRepository(path.join(directory, 'repository'));
    cluster = await startEmbeddedCluster({ major, checksums: true, settings: major >= 17 ? { summarize_wal: 'on' } : {} });
    if (cluster.dataDirectory === undefined || cluster.programs === undefined) throw new Error('an embedded cluster has a data directory');
    ({ dataDirectory: data, programs } = cluster);
    const place = path.join(directory, 'space');
    await mkdir(place);
    await own(Buffer.from(place));
    await withSql(cluster.url(), async (sql) => {
      await sql.unsafe(`create tablespace space location '${place}'`);
      await sql.unsafe('create table there tablespace space as select g as id from generate_series(1, 1000) g');
      // Without conversion: not even the names of files that ordinary SQL gives become UTF-8.
      await sql.unsafe(`create database raw encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0`);
      const [row] = await sql<{ oid: string; database: string; file: string }[]>`
        select t.oid::text, d.oid::text as database, pg_relation_filepath('there') as file
        from pg_tablespace t, pg_database d where spcname = 'space' and datname = current_database()`;
      space = { oid: row?.oid ?? '', path: place, version: row?.file.split('/')[2] ?? '' };
      database = path.join('base', row?.database ?? '');
    });
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });
  afterEach(async () => {
    for (const each of made) await rm(each, { recursive: true, force: true });
    made = [];
  });

  async function own(file: Buffer): Promise<void> {
    if (programs.runAs !== undefined) await lchown(file, programs.runAs.uid, programs.runAs.gid);
  }

  async function withSql<Value>(url: string, work: (sql: postgres.Sql) => Promise<Value>): Promise<Value> {
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    try {
      return await work(sql);
    } finally {
      await sql.end();
    }
  }

  async function makeFile(file: Buffer, content: string | Buffer): Promise<void> {
    await writeFile(file, content, { mode: 0o600 });
    await own(file);
    made.push(file);
  }

  async function makeLink(file: Buffer): Promise<void> {
    await symlink('/nowhere', file);
    made.push(file);
  }

  /** What the server warns of a special file. */
  const skipped = (file: string): string =>
    `WARNING 01000: skipping special file "${file.replace(data, '.').replaceAll(/[öß]/g, '\ufffd')}"`;

  /** Restores it, and looks at what is to be there before and after the start. */
  async function restored(
    { label }: BackupSummary,
    name: string,
    look: (into: string) => Promise<void>,
    tablespaces: ReadonlyMap<string, string> = new Map(),
  ): Promise<void> {
    const into = path.join(directory, name);
    const clone = await restore({
      repository,
      target: { kind: 'immediate' },
      backup: label,
      into,
      tablespaces,
      beforeStart: async () => await look(into),
    });
    try {
      const rows = await withSql(clone.url, async (sql) => await sql`select count(*)::int from there`);
      expect([...rows]).toEqual([{ count: 1000 }]);
    } finally {
      await clone.stop();
    }
    await look(into);
  }

  test('of links and other special files are named, each once, and all other files come back', async () => {
    const inSpace = path.join(space.path, space.version);
    for (const place of [data, path.join(data, database), inSpace]) {
      await makeLink(odd(place, 'größe.lnk'));
      await makeFile(odd(place, 'größe'), 'plain');
    }
    for (const name of ['pg_wal', 'pg_wal/archive_status', 'pg_xact']) await makeLink(odd(data, name, 'größe.lnk'));
    await mkdir(odd(data, 'öde'), { mode: 0o700 });
    await own(odd(data, 'öde'));
    made.push(odd(data, 'öde'));
    await makeFile(odd(data, 'öde', 'innen'), 'inside');
    execFileSync('sh', ['-c', 'mkfifo "$0/$(printf "r\\366hre")"', data]);
    made.push(odd(data, 'röhre'));
    const full = await backUp(cluster, repository, { kind: 'full' });
    const next = await backUp(cluster, repository, { connection: cluster.parameters('raw') });
    const look = async (into: string): Promise<void> => {
      for (const place of [into, path.join(into, database), path.join(`${into}.tablespaces`, space.oid, space.version)]) {
        expect(await readFile(odd(place, 'größe'), 'utf8')).toBe('plain');
        await expect(lstat(odd(place, 'größe.lnk'))).rejects.toMatchObject({ code: 'ENOENT' });
      }
      expect(await readFile(odd(into, 'öde', 'innen'), 'utf8')).toBe('inside');
    };
    expect([full.kind, next.kind]).toEqual(['full', 'incremental']);
    const special = [
      ...[data, path.join(data, database), inSpace, path.join(data, 'pg_xact')].map((place) => path.join(place, 'größe.lnk')),
      path.join(data, 'röhre'),
    ];
    for (const { warnings, missing } of [full, next]) {
      expect(missing).toEqual([]);
      expect(warnings.filter((each) => each.includes('skipping')).toSorted()).toEqual(special.map(skipped).toSorted());
    }
    await restored(full, 'full', look);
    await restored(next, 'next', look);
  });

  test('of files whose pages are not what their checksums say are named', async () => {
    const page = Buffer.alloc(8192, 7).fill(0, 0, 8);
    await makeFile(odd(data, database, 'größe'), page);
    const full = await backUp(cluster, repository, { kind: 'full' });
    // From 17 on only files of relations are looked into.
    const said = `WARNING 01000: checksum verification failed in file "./${database}/gr\ufffd\ufffde", block 0: `;
    expect(full.warnings).toEqual(major >= 17 ? [] : [expect.stringContaining(said)]);
    expect(full.damage).toEqual(major >= 17 ? null : expect.stringContaining('checksum verification failure'));
  });

  test('of a file that the server may not read is in the error', async () => {
    await makeFile(odd(data, 'größe'), 'x');
    await chmod(odd(data, 'größe'), 0);
    if (programs.runAs !== undefined) await chown(odd(data, 'größe'), 0, 0);
    await expect(backUp(cluster, repository, { kind: 'full' })).rejects.toMatchObject({
      detail: 'ERROR 42501: could not open file "./gr\ufffd\ufffde": Permission denied',
      hint: expect.stringContaining("server's own user") as unknown,
    });
  });

  test('of a link among those of tablespaces are named, and what is restored is without it', async () => {
    for (const name of ['größe', 'other']) {
      const link = odd(data, 'pg_tblspc', name);
      await symlink(space.path, link);
      made.push(link);
    }
    // More of the server's own warnings than are kept.
    for (let n = 0; n < 201; n += 1) await makeLink(Buffer.from(path.join(data, `skipped-${n}.lnk`)));
    const full = await backUp(cluster, repository, { kind: 'full' });
    expect(full.warnings.filter((each) => !each.includes('skipping special file')).toSorted()).toEqual([
      '1 more warnings of the server are not kept; its log has them',
      ...['gr\ufffd\ufffde', 'other'].map((name) => `the link pg_tblspc/${name} is no tablespace's: it is not in the backup`),
    ]);
    expect(full.tablespaces).toEqual([{ oid: space.oid, location: space.path }]);
    await restored(full, 'links', async (into) => expect(await readdir(path.join(into, 'pg_tblspc'))).toEqual([space.oid]));
  });

  // The last: it moves the tablespace.
  test('of the directory of a tablespace', async () => {
    const link = path.join(data, 'pg_tblspc', space.oid);
    const moved = odd(directory, 'größe');
    await rename(space.path, moved);
    await rm(link);
    await symlink(moved, link);
    const full = await backUp(cluster, repository, { kind: 'full' });
    const location = path.join(directory, 'gr\ufffd\ufffde');
    expect(full.tablespaces).toEqual([{ oid: space.oid, location }]);
    const elsewhere = path.join(directory, 'elsewhere');
    const mapped = async (into: string): Promise<void> => expect(await readlink(path.join(into, 'pg_tblspc', space.oid))).toBe(elsewhere);
    await restored(full, 'mapped', mapped, new Map([[location, elsewhere]]));
    await restored(full, 'moved', async (into) => {
      expect(await readlink(path.join(into, 'pg_tblspc', space.oid))).toBe(path.join(`${into}.tablespaces`, space.oid));
    });
  });
});
