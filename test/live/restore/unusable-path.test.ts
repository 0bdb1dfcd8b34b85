import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeWhole } from '../../../src/backup/wal/get-run.ts';
import { makeDirectories } from '../../../src/base/make-directories.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('a path that the system refuses is told as that, and is no defect', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  let below: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    const sql = postgres(cluster.url(), { max: 1 });
    await sql.unsafe('create table kept as select 1 as n');
    await sql.end();
    await backUp(cluster, await makeRepository(path.join(directory, 'repository')));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const file = path.join(directory, 'file');
    await writeFile(file, '');
    below = path.join(file, 'x');
    await symlink('loop', path.join(directory, 'loop'));
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  const dbadmin = async (...words: readonly string[]): Promise<string> => {
    const env = { XDG_STATE_HOME: path.join(directory, 'state') };
    const { status, stdout, stderr } = await runCommand([...words, '--yes', '--config', config], env);
    expect(stderr).not.toContain('defect');
    return `${status} ${stdout}${stderr}`;
  };

  test('a place below a file', async () => {
    expect(await dbadmin('restore', '--table', 'public.kept', '--to-latest', '--spool', below)).toMatch(
      /^1 [^]*cannot be used: a part of this path is a file/,
    );
    expect(await dbadmin('backup', 'drill', '--scratch', below)).toMatch(/^1 [^]*cannot be used: a part of this path is a file/);
    await expect(writeWhole(below, Buffer.from('x'))).rejects.toMatchObject({ code: 'file-unwritable', message: `cannot write ${below}` });
    expect(await dbadmin('restore', '--to-latest', '--into', below)).toMatch(/^1 [^]*error: cannot restore into .*\n.*ENOTDIR/);
  });

  test('a name that is too long, and a link that leads to itself', async () => {
    const long = path.join(directory, 'x'.repeat(300));
    const looped = path.join(directory, 'loop', 'x');
    for (const delta of [[], ['--delta']]) {
      expect(await dbadmin('restore', '--to-latest', '--into', long, ...delta)).toMatch(/^1 [^]*ENAMETOOLONG/);
      expect(await dbadmin('restore', '--to-latest', '--into', looped, ...delta)).toMatch(/^1 [^]*ELOOP/);
    }
  });

  test('a place in which no directory can be made, and the system says that there is none', async () => {
    expect(await dbadmin('backup', 'table', 'export', 'public.kept', '--out', '/proc/x')).toMatch(
      /^1 [^]*error: cannot write to \/proc\/x/,
    );
  }, 20_000);

  test('directories are made with all above them, and the first that was made is said', async () => {
    const made = path.join(directory, 'made');
    expect(await makeDirectories(path.join(made, 'a', 'b'), 0o700)).toBe(made);
    expect(await makeDirectories(path.join(made, 'a', 'c'))).toBe(path.join(made, 'a', 'c'));
    expect(await makeDirectories(path.join(made, 'a', 'c'))).toBeUndefined();
    await symlink(made, path.join(directory, 'link'));
    expect(await makeDirectories(path.join(directory, 'link'))).toBeUndefined();
    await expect(makeDirectories(below)).rejects.toThrow('ENOTDIR');
    await expect(makeDirectories(path.dirname(below))).rejects.toThrow('EEXIST');
    await mkdir(path.join(made, 'd'));
    await Promise.all([1, 2, 3].map(async (n) => await makeDirectories(path.join(made, 'd', 'e', 'f', String(n)))));
  });
});
