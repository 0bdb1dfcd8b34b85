import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runInProcess } from '../../../backup/in-process.ts';
import type { CommandEnd } from '../../../backup/command.ts';
import { createTestDatabase } from '../../../postgres/fixture.ts';
import { createProject, type TestProject } from '../project.ts';

const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
let configured = '';
beforeEach(async () => {
  project = await createProject(database.url);
  configured = path.join(project.directory, 'dbadmin.yaml');
  await writeFile(
    configured,
    `version: 1\nclusters:\n  main: { url: "${database.url}" }\npaths: { migrations: migrations, routines: routines }\n`,
  );
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
});

const migrate = async (...args: readonly string[]): Promise<CommandEnd> =>
  await runInProcess(['migrate', ...args, '--config', configured], process.env);
const json = ({ stdout }: CommandEnd): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;
const kinds = async (): Promise<readonly string[]> =>
  (await sql`select kind, version, statement_no, finished_at is null as begun from dbadmin.migration_history order by seq`).map(
    ({ kind, version, statement_no: number, begun }) =>
      `${kind} ${version}${number === null ? '' : `.${number}${begun === true ? ' begun' : ''}`}`,
  );
const tables = async (): Promise<readonly string[]> =>
  (await sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'i') order by 1`).map(
    ({ relname }) => String(relname),
  );

test('down undoes the newest version in one transaction with its row; up applies it again; redo does both', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);\n-- dbadmin: down\ndrop table a;\n');
  await project.write('migrations/2_b.sql', 'create table b (id int);\ninsert into b values (1);\n-- dbadmin: down\ndrop table b;\n');
  await project.up();
  const shown = await migrate('down', '2', '--dry-run');
  expect([shown.status, shown.stderr]).toEqual([0, '']);
  expect(shown.stdout).toBe(
    `2 versions to undo in ${database.name} on main, newest first\n\n2_b.sql\n  1  ${'DROP TABLE  b'.padEnd(60)}  line 4\n     takes table public.b (DROP TABLE)\n` +
      `\n1_a.sql\n  1  ${'DROP TABLE  a'.padEnd(60)}  line 3\n     takes table public.a (DROP TABLE)\n\nnothing stays applied\n`,
  );
  expect(await tables()).toEqual(['a', 'b']);
  const unasked = await migrate('down');
  expect([unasked.status, unasked.stderr]).toEqual([1, expect.stringContaining('needs an answer')]);

  const down = await migrate('down', '--yes', '--json', '--no-schema-file');
  expect([down.status, down.stderr]).toEqual([0, '']);
  expect(json(down)).toMatchObject({
    stays: '1',
    done: {
      undone: [{ version: '2', statements: 1 }],
      applied: [],
      restorePoint: { name: expect.stringMatching(/^dbadmin_\d{8}T\d{6}Z_down_2$/) },
    },
  });
  expect([await tables(), await kinds()]).toEqual([['a'], ['versioned 1', 'versioned 2', 'down 2']]);
  await project.up();
  const redo = await migrate('redo', '--to', '0', '--yes', '--json');
  expect(json(redo)).toMatchObject({
    again: ['1', '2'],
    done: { undone: [{ version: '2' }, { version: '1' }], applied: [{ version: '1' }, { version: '2' }] },
  });
  expect((await kinds()).slice(4)).toEqual(['down 2', 'down 1', 'versioned 1', 'versioned 2']);
  const [row] =
    await sql`select restore_point, restore_lsn is not null as has_lsn, locks from dbadmin.migration_history where kind = 'down' order by seq desc limit 1`;
  expect(row).toMatchObject({ restore_point: expect.stringMatching(/_down_1$/), has_lsn: true });
  expect((await migrate('down', '--to', '1_a.sql', '--yes')).stdout).toMatch(
    /^1 version to undo .*[^]*\n1 stays the newest\n[^]*1 version undone in /,
  );
});

test('after a redo the way back still begins where the version had not been applied yet; a down and a later up begin anew', async () => {
  const shown = async (): Promise<{ readonly points: readonly unknown[]; readonly first: unknown }> => {
    const { versions, losses } = json(await migrate('rollback', '--to', '1', '--dry-run', '--json')) as {
      versions: readonly { version: string; runId: string; restorePoint: { name: string } }[];
      losses: readonly Record<string, unknown>[];
    };
    expect(losses).toEqual([expect.objectContaining({ what: 'column public.a.c', madeByRun: false, run: versions.at(-1)?.runId })]);
    const points = versions.map(({ version, restorePoint }) => [version, restorePoint.name.replace(/^dbadmin_\w+?Z_/, '')]);
    return { points, first: versions.at(-1)?.restorePoint };
  };
  await project.write('migrations/1_a.sql', 'create table a (id int, c text);');
  await project.up({ wantsRestorePoint: true });
  await project.write('migrations/2_b.sql', 'alter table a drop column c;\n-- dbadmin: down\nalter table a add column c text;');
  await project.up({ wantsRestorePoint: true });
  const { first } = await shown();
  await project.write('migrations/3_c.sql', 'create table c ();\n-- dbadmin: down\ndrop table c;');
  await project.up({ wantsRestorePoint: true });
  const original = {
    points: [
      ['3', '3'],
      ['2', '2'],
    ],
    first,
  };
  for (const versions of ['2', '1', '2']) {
    expect((await migrate('redo', versions, '--yes')).status).toBe(0);
    expect(await shown()).toEqual(original);
  }
  expect((await migrate('down', '2', '--yes')).status).toBe(0);
  await project.up({ wantsRestorePoint: true });
  const anew = await shown();
  expect(anew.points).toEqual([
    ['3', '2'],
    ['2', '2'],
  ]);
  expect(anew.first).not.toEqual(first);
  expect((await migrate('redo', '2', '--yes')).status).toBe(0);
  expect(await shown()).toEqual(anew);
});

describe('what was applied counts, not what the file says now', () => {
  test('a changed down section is told, and the stored one runs', async () => {
    await project.write('migrations/1_a.sql', 'create table a (id int);\ncreate table kept ();\n-- dbadmin: down\ndrop table a;\n');
    await project.up();
    await project.write('migrations/1_a.sql', 'create table a (id int);\ncreate table kept ();\n-- dbadmin: down\ndrop table a, kept;\n');
    const down = await migrate('down', '--yes');
    expect(down.stderr).toContain('the down section in migrations/1_a.sql is not the one that was applied with it');
    expect([down.status, await tables()]).toEqual([0, ['kept']]);
  });

  test('a file that is gone is undone all the same, and cannot be redone', async () => {
    await project.write('migrations/1_a.sql', 'create table a (id int);\n-- dbadmin: down\ndrop table a;\n');
    await project.up();
    await project.remove('migrations/1_a.sql');
    const redo = await migrate('redo', '--yes');
    expect([redo.status, redo.stderr]).toEqual([1, expect.stringContaining('1_a.sql cannot be applied again: its file is gone')]);
    expect((await migrate('down', '--yes')).status).toBe(0);
    expect(await tables()).toEqual([]);
  });
});

test('what has no way down is refused before anything is touched, with the other ways', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);');
  await project.write('migrations/2_b.sql', '-- dbadmin: irreversible\ncreate table b (id int);');
  await project.write('migrations/3_c.sql', 'create table c (id int);\n-- dbadmin: down\ndrop table c;');
  await project.up({ wantsRestorePoint: true });
  const down = await migrate('down', '3', '--yes');
  expect(down.status).toBe(1);
  expect(down.stderr).toMatch(
    /2 versions cannot be undone\n2_b\.sql: it says of itself that it is irreversible; the moment before its run is restore point dbadmin_\S+_1\n1_a\.sql: it has no down section; /,
  );
  expect(down.stderr).toContain('dbadmin migrate rollback --to 0');
  expect(await tables()).toEqual(['a', 'b', 'c']);
});

test('a failing down section leaves everything, and says what was undone before', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);\n-- dbadmin: down\ndrop table a;\ndrop table nowhere;\n');
  await project.write('migrations/2_b.sql', 'create table b (id int);\n-- dbadmin: down\ndrop table b;');
  await project.up();
  const down = await migrate('down', '2', '--yes');
  expect(down.status).toBe(1);
  expect(down.stderr).toMatch(
    /migrations\/1_a\.sql:4:1: table "nowhere" does not exist \(42P01\)[^]*4 \| drop table nowhere;[^]*1 of 2 versions were undone before and stay undone/,
  );
  expect([await tables(), (await kinds()).at(-1)]).toEqual([['a'], 'down 2']);
});

test('a no-transaction down section runs with a row each, and goes on where it stopped; up refuses in between', async () => {
  const text = (broken: string): string =>
    `-- dbadmin: no-transaction\ncreate index concurrently a_id on a (id);\ncreate index concurrently a_two on a (id);\n-- dbadmin: down\ndrop index concurrently a_two;\nselect 1 / (select count(*) from ${broken});\ndrop index concurrently a_id;\n`;
  await project.write('migrations/1_a.sql', 'create table a (id int); create table ok ();');
  await project.write('migrations/2_b.sql', text('ok'));
  await project.up();
  const first = await migrate('down', '--yes');
  expect([first.status, first.stderr]).toEqual([1, expect.stringContaining('division by zero')]);
  expect(await tables()).toEqual(['a', 'a_id', 'ok']);
  const up = await project.failure();
  expect(up.message).toBe('2_b.sql is half undone: its down section was interrupted');
  await sql.unsafe('alter table ok add column n int; insert into ok values (1)');
  const second = await migrate('down', '--yes');
  expect([second.status, second.stderr]).toEqual([0, expect.stringMatching(/^migrations\.lock written: commit it\nschema\.sql /)]);
  expect(second.stdout).toContain('done by an interrupted run');
  expect([await tables(), (await kinds()).slice(-6)]).toEqual([
    ['a', 'ok'],
    ['down 2.1 begun', 'down 2.1', 'down 2.2', 'down 2.3 begun', 'down 2.3', 'down 2'],
  ]);
  await project.up();
  expect(await tables()).toEqual(['a', 'a_id', 'a_two', 'ok']);
});

test('a version that is not applied, too many, and none at all are refused as wrong usage', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);\n-- dbadmin: down\ndrop table a;');
  const none = await migrate('down', '--yes');
  expect([none.status, none.stderr]).toEqual([64, expect.stringContaining('nothing is applied here')]);
  await project.up();
  for (const [args, message] of [
    [['--to', '7'], 'version 7 is not applied here\nThe newest that are: 1.'],
    [['2'], '2 versions cannot be undone: 1 are applied'],
    [['many'], '"many" is not a number of versions'],
    [['1', '--to', '1'], 'two answers to one question'],
    [['--to', 'x'], '"x" is not a version'],
  ] as const) {
    const end = await migrate('down', ...args, '--yes');
    expect([end.status, end.stderr]).toEqual([64, expect.stringContaining(message)]);
  }
  expect((await migrate('down', '--to', '1', '--yes')).stdout).toMatch(/^nothing to undo in /);
});
