import { chown, mkdir, readdir, readlink, lstat } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe.each([14, 18])('tablespaces of every kind on PostgreSQL %i', (major) => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major, provider: 'embedded', settings: { allow_in_place_tablespaces: 'on' } });
    const inside = path.join(cluster.dataDirectory ?? '', 'own_tablespace');
    const outside = path.join(directory, 'it is outside');
    for (const place of [inside, outside]) {
      await mkdir(place);
      if (cluster.programs?.runAs !== undefined) await chown(place, cluster.programs.runAs.uid, cluster.programs.runAs.gid);
    }
    repository = await makeRepository(path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(`create tablespace outside location '${outside}'`);
    await sql.unsafe(`create tablespace inside location '${inside}'`);
    await sql.unsafe("create tablespace in_place location ''");
    for (const name of ['outside', 'inside', 'in_place'])
      await sql.unsafe(`create table in_${name} tablespace ${name} as select g as n from generate_series(1, 1000) g`);
    await sql.end();
    await backUp(cluster, repository);
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('come back below the target, none of them where the original has it', async () => {
    const into = path.join(directory, 'clone');
    const clone = await restore({ repository, target: { kind: 'immediate' }, into });
    const sql = postgres(clone.url, { max: 1 });
    const [row] = await sql`select (select sum(n)::int from in_outside) as outside, (select sum(n)::int from in_inside) as inside,
      (select sum(n)::int from in_in_place) as place`;
    await sql.end();
    await clone.stop();
    expect(row).toEqual({ outside: 500_500, inside: 500_500, place: 500_500 });
    const kinds: string[] = [];
    for (const oid of await readdir(path.join(into, 'pg_tblspc'))) {
      const link = path.join(into, 'pg_tblspc', oid);
      const isLink = (await lstat(link)).isSymbolicLink();
      kinds.push(isLink ? path.relative(`${into}.tablespaces`, await readlink(link)) : 'in place');
      if (isLink) expect(await readlink(link)).toBe(path.join(`${into}.tablespaces`, oid));
    }
    expect(kinds.filter((kind) => kind === 'in place')).toHaveLength(1);
    expect(kinds).toHaveLength(3);
  });

  test('a place that holds something is refused before anything is written', async () => {
    const into = path.join(directory, 'refused');
    const tablespaces = new Map([[path.join(directory, 'it is outside'), path.join(directory, 'repository')]]);
    await expect(restore({ repository, target: { kind: 'immediate' }, into, tablespaces })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/repository is not empty$/),
    });
    await expect(readdir(into)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
