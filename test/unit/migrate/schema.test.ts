import { expect, test } from 'vitest';
import { sha256Of } from '../../../src/migrate/files/checksum.ts';
import { parseSqlFile, type MigrationFile } from '../../../src/migrate/files/migration.ts';
import { parseMigrationName } from '../../../src/migrate/files/names.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { compareSchemas } from '../../../src/migrate/schema/compare.ts';
import { canonicalText, majorOf, readDump, withoutHistory } from '../../../src/migrate/schema/dump.ts';
import { compareLock, lockText, readLock } from '../../../src/migrate/schema/lock-file.ts';
import { neededRoles } from '../../../src/migrate/schema/needed-roles.ts';

const parser = await loadSqlParser();
const sqlFile = (path: string, text: string) => ({ path, location: `/p/${path}`, text, sha256: sha256Of(text) });
const migration = (file: string, text = 'select 1'): MigrationFile => ({
  name: parseMigrationName(file),
  file: sqlFile(`m/${file}`, text),
});

/** As pg_dump prints one object. */
const entry = (name: string, type: string, sql: string, schema = 'core'): string =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: -\n--\n\n${sql}\n\n\n`;
const TABLE = `CREATE TABLE core.play (
    id bigint NOT NULL,
    artist text DEFAULT 'x,
)y'::text,
    ms integer,
    CONSTRAINT play_ms_check CHECK ((ms >= 0))
);`;
const changesOf = (before: string, after: string): readonly string[] =>
  compareSchemas(before, after, parser).map(({ change, type, name }) => `${change} ${type} ${name}`);

test('the lock file lists every file in order, and reads back what it wrote', () => {
  const files = [migration('1_a.sql'), migration('2_b.sql', 'select 2')];
  const text = lockText(files);
  expect(readLock(text, 'l').map(({ file }) => file)).toEqual(['1_a.sql', '2_b.sql']);
  expect(compareLock(readLock(text, 'l'), files, 'l')).toEqual([]);
});

test('a lock file that lacks a file, has one too many or another text says which, and names the command that mends it', () => {
  const locked = readLock(lockText([migration('1_a.sql'), migration('2_b.sql'), migration('3_c.sql')]), 'l');
  const problems = compareLock(
    locked,
    [migration('1_a.sql'), migration('2_b.sql', 'select 2'), migration('4_d.sql')],
    'sql/migrations.lock',
  );
  expect(problems.map(({ message }) => message)).toEqual([
    'sql/migrations.lock: 3_c.sql is listed and its file is gone',
    'sql/migrations.lock: 2_b.sql is another text than the one listed',
    'sql/migrations.lock: 4_d.sql is not listed',
  ]);
  for (const { hint } of problems) expect(hint).toContain('dbadmin migrate validate --write-lock');
  const [swapped] = compareLock(locked.toReversed(), [migration('1_a.sql'), migration('2_b.sql'), migration('3_c.sql')], 'l');
  expect(swapped?.message).toBe('l: 3_c.sql is listed where 1_a.sql belongs');
  const twice = [...locked, ...locked.slice(2)];
  expect(compareLock(twice, [migration('1_a.sql'), migration('2_b.sql'), migration('3_c.sql')], 'l')[0]?.message).toContain(
    '3_c.sql is listed twice',
  );
});

test('what a merge left in the lock file is told by its line', () => {
  const text = `${lockText([migration('1_a.sql')])}<<<<<<< HEAD\n`;
  expect(() => readLock(text, 'l')).toThrow('l:4: two branches changed the migrations, and nobody decided yet');
  expect(() => readLock('1_a.sql\n', 'l')).toThrow('l:1: not an entry of a lock file');
});

test('the canonical dump has no version, setting or random key, and reads back as itself', () => {
  const dump = (key: string, version: string, more: string): string =>
    `--\n-- PostgreSQL database dump\n--\n\n\\restrict ${key}\n\n-- Dumped from database version 17.10\n-- Dumped by pg_dump version ${version}\n\n` +
    `SET statement_timeout = 0;\n${more}SELECT pg_catalog.set_config('search_path', '', false);\n\n` +
    entry('core', 'SCHEMA', 'CREATE SCHEMA core;', '-') +
    `SET default_table_access_method = heap;\n\n${entry('play', 'TABLE', TABLE)}\\unrestrict ${key}\n\n`;
  const canonical = canonicalText(readDump(dump('aGVsbG8', '17.10', ''), 'd'), 17);
  expect(canonicalText(readDump(dump('d29ybGQ', '18.1', 'SET transaction_timeout = 0;\n'), 'd'), 17)).toBe(canonical);
  expect(canonicalText(readDump(canonical, 'c'), 17)).toBe(canonical);
  expect(canonical).not.toMatch(/restrict|default_table_access_method|pg_dump/);
  expect(majorOf(canonical)).toBe(17);
});

test('a function whose body holds the name of an object is one object', () => {
  const body = `CREATE FUNCTION core.f() RETURNS void LANGUAGE plpgsql AS $$\nbegin\n  -- Name: evil; Type: TABLE; Schema: core; Owner: -\n  perform 1;\nend\n$$;`;
  expect(readDump(entry('f()', 'FUNCTION', body), 'd').map(({ type, name }) => `${type} ${name}`)).toEqual(['FUNCTION f()']);
});

test("dbadmin's own history is no part of the schema, whatever schema it lies in", () => {
  const all =
    entry('dbadmin', 'SCHEMA', 'CREATE SCHEMA dbadmin;', '-') +
    entry('migration_history', 'TABLE', 'CREATE TABLE dbadmin.migration_history (a int);', 'dbadmin') +
    entry('play', 'TABLE', TABLE);
  expect(withoutHistory(readDump(all, 'd'), 'dbadmin').map(({ name }) => name)).toEqual(['play']);
  const inPublic =
    entry('migration_history', 'TABLE', 'CREATE TABLE public.migration_history (a int);', 'public') +
    entry('t', 'TABLE', 'CREATE TABLE public.t ();', 'public');
  expect(withoutHistory(readDump(inPublic, 'd'), 'public').map(({ name }) => name)).toEqual(['t']);
});

test('drift is told by object: what only one side has, and columns and constraints of a table one by one', () => {
  const before = entry('play', 'TABLE', TABLE) + entry('play_idx', 'INDEX', 'CREATE INDEX play_idx ON core.play USING btree (id);');
  const changed = TABLE.replace('    ms integer', '    ms bigint')
    .replace('(ms >= 0)', '(ms > 0)')
    .replace('    id bigint NOT NULL', '    id bigint NOT NULL,\n    "day" date');
  const after =
    entry('play', 'TABLE', changed) +
    entry('play play_pkey', 'CONSTRAINT', 'ALTER TABLE ONLY core.play ADD CONSTRAINT play_pkey PRIMARY KEY (id);') +
    entry('TABLE play', 'COMMENT', "COMMENT ON TABLE core.play IS 'x';");
  expect(changesOf(before, after)).toEqual([
    'changed column core.play.ms',
    'changed constraint core.play.play_ms_check',
    'added column core.play.day',
    'removed index core.play_idx',
    'added constraint core.play.play_pkey',
    'added comment on table core.play',
  ]);
  const [column] = compareSchemas(before, after, parser);
  expect(column?.diff).toEqual(['- ms integer', '+ ms bigint']);
});

test('how a statement is written is no drift; the text inside a function is', () => {
  const f = (text: string): string => entry('f()', 'FUNCTION', text);
  expect(
    changesOf(
      f('CREATE FUNCTION core.f() RETURNS integer LANGUAGE sql AS $$select 1$$;'),
      f("create function core.f()\n  returns int4 language sql as 'select 1';"),
    ),
  ).toEqual([
    // int4 and integer are two names in the tree as well: only pg_dump's own text is compared, and it knows one.
    'changed function core.f()',
  ]);
  expect(
    changesOf(
      f('CREATE FUNCTION core.f() RETURNS text LANGUAGE sql AS $$select 1$$;'),
      f("create function core.f()\n  returns text language sql as 'select 1';"),
    ),
  ).toEqual([]);
  expect(
    changesOf(
      f('CREATE FUNCTION core.f() RETURNS text LANGUAGE sql AS $$select 1$$;'),
      f('CREATE FUNCTION core.f() RETURNS text LANGUAGE sql AS $$select 2$$;'),
    ),
  ).toEqual(['changed function core.f()']);
});

test('the same columns in another order, and settings of a table, are differences of the table', () => {
  const table = (columns: string, options = ''): string => entry('t', 'TABLE', `CREATE TABLE core.t (\n${columns}\n)${options};`);
  const swapped = compareSchemas(table('    a integer,\n    b text'), table('    b text,\n    a integer'), parser);
  expect(swapped.map(({ type, name, diff }) => [type, name, diff])).toEqual([
    ['table', 'core.t', ['- the columns in the order a, b', '+ the columns in the order b, a']],
  ]);
  expect(changesOf(table('    a integer'), table('    a integer', '\nWITH (fillfactor=70)'))).toEqual(['changed table core.t']);
  expect(changesOf(table('    a integer'), table('    a integer'))).toEqual([]);
});

test('roles that files name and do not create are needed before they run', () => {
  const parsed = parseSqlFile(
    sqlFile(
      'f',
      `create role made; grant select on t to reader, made, public; alter table t owner to owner_role; set role setter;
      grant member_of to made; create policy p on t to "Quoted Role" using (true); set role none; grant pg_monitor to made;
      do $$ begin create role conditional; grant select on t to in_block, conditional; exception when duplicate_object then null; end $$;
      create function f() returns void language plpgsql as $$ begin grant select on t to later; end $$`,
    ),
    parser,
  );
  expect(neededRoles([parsed], parser)).toEqual(['Quoted Role', 'in_block', 'member_of', 'owner_role', 'reader', 'setter']);
});

test('a conflict that git left in schema.sql is told by its place, not as drift', () => {
  const text = `${entry('t', 'TABLE', 'CREATE TABLE core.t ();')}<<<<<<< HEAD\n${entry('u', 'TABLE', 'CREATE TABLE core.u ();')}`;
  expect(() => compareSchemas(text, '', parser, 'sql/schema.sql')).toThrow('sql/schema.sql:8:1: two branches changed the schema');
});
