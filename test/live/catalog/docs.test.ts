import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog, Relation } from '../../../src/catalog/catalog.ts';
import { describeCatalog } from '../../../src/catalog/describe.ts';
import { htmlOf } from '../../../src/catalog/html.ts';
import { inspectCatalog } from '../../../src/catalog/inspect.ts';
import { markdownOf } from '../../../src/catalog/markdown.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin } from '../spotify/warehouse.ts';
import { STRANGE_SCHEMA } from './strange-schema.ts';

const MAJORS = (process.env['DBADMIN_TEST_DOCS'] ?? '17').split(',').map(Number);
const ALL = { schemas: [], without: [] };
const ODD = 'My "odd" schema|`x`';

describe.each(MAJORS)('dbadmin docs, PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let directory: string;
  let catalog: Catalog;
  const docs = async (...args: readonly string[]): ReturnType<typeof dbadmin> =>
    await dbadmin(['docs', ...args, '--url', cluster.url('odd')], directory);
  const relation = (name: string, schema = ODD): Relation => {
    const found = catalog.schemas.find((each) => each.name === schema)?.relations.find((each) => each.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-docs-'));
    cluster = await startTestCluster({ major, provider: 'embedded' });
    const admin = postgres(cluster.url(), { max: 1 });
    await admin.unsafe('create database odd');
    await admin.end();
    sql = postgres(cluster.url('odd'), { max: 1, fetch_types: false, onnotice: () => undefined });
    await sql.unsafe(STRANGE_SCHEMA);
    catalog = await inspectCatalog(sql, ALL);
  });
  afterAll(async () => {
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('reads tables: identity, generated columns, domains, keys, references to themselves and to other schemas', () => {
    const table = relation('Table with\nnewline');
    expect(table.columns.map(({ name, fallback }) => [name, fallback])).toEqual([
      ['select', 'GENERATED ALWAYS AS IDENTITY'],
      ['a|b', "'x|y`z`'::text"],
      ['<script>', undefined],
      ['pct', undefined],
      ['twice', 'GENERATED ALWAYS AS (((pct)::bigint * 2)) STORED'],
    ]);
    expect(table.columns[1]?.collation).toBe('"C"');
    expect(
      relation('child')
        .constraints.filter(({ kind }) => kind === 'foreign key')
        .map(({ references }) => references?.name),
    ).toEqual(['Table with\nnewline', 'Table with\nnewline', 'child']);
    expect(relation('t', 'a*').constraints[0]?.references).toEqual({ schema: ODD, name: 'child', columns: ['id'] });
    expect(relation('gone').isUnlogged).toBe(true);
  });

  it('reads partitions and heirs, each with its parent, and what they have of it once', () => {
    expect(relation('parts')).toMatchObject({ kind: 'partitioned table', partitionKey: 'RANGE (at)' });
    expect(relation('parts').triggers.map(({ name }) => name)).toEqual(['pt']);
    expect(relation('parts').indexes.map(({ name }) => name)).toEqual(['parts_id']);
    expect(relation('parts_2025')).toMatchObject({
      partitionBound: "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
      parents: [{ schema: ODD, name: 'parts' }],
      triggers: [],
      indexes: [],
    });
    expect(relation('parts_rest').partitionBound).toBe('DEFAULT');
    expect(relation('cat')).toMatchObject({ partitionBound: undefined, parents: [{ schema: ODD, name: 'animal' }] });
    expect(relation('cat').columns.map(({ name, isInherited }) => [name, isInherited])).toEqual([
      ['name', true],
      ['lives', false],
    ]);
  });

  it('reads triggers, row policies, rights on tables and columns, and what views read', () => {
    const child = relation('child');
    expect(child.triggers).toMatchObject([{ name: 't|g', isEnabled: false }]);
    expect(child.rowSecurity).toBe('on');
    expect(child.policies).toMatchObject([
      { name: 'own rows', isPermissive: false, command: 'SELECT', roles: ['odd "role"'], using: '(self = 1)' },
    ]);
    expect(child.grants).toEqual([{ grantee: 'odd "role"', privileges: ['INSERT *', 'SELECT *'] }]);
    expect(relation('animal').columns[0]?.grants).toEqual([{ grantee: 'PUBLIC', privileges: ['SELECT'] }]);
    expect(relation('seen').reads).toEqual([{ schema: ODD, name: 'Table with\nnewline' }]);
    expect(relation('kept')).toMatchObject({ kind: 'materialized view', reads: [{ schema: ODD, name: 'child' }] });
    expect(relation('lonely').kind).toBe('sequence');
  });

  it('reads routines with their signatures, and types; not what a range brings with it', () => {
    const odd = catalog.schemas.find(({ name }) => name === ODD);
    expect(odd?.routines.map(({ name, kind, identity }) => `${kind} ${name}(${identity})`)).toEqual([
      'procedure act(integer)',
      'aggregate adder(integer)',
      'function odd(integer)',
      'function odd(text, integer[])',
      'trigger function tg()',
    ]);
    expect(odd?.routines[3]).toMatchObject({
      signature: `"p|q" text DEFAULT 'a|b'::text, VARIADIC rest integer[] DEFAULT '{}'::integer[]`,
      returns: 'TABLE("r s" integer)',
      isSecurityDefiner: true,
      settings: ['search_path=pg_catalog'],
      grants: [{ grantee: 'PUBLIC', privileges: ['EXECUTE'] }],
    });
    expect(odd?.types.map(({ name, kind, definition }) => [name, kind, definition[0]])).toEqual([
      ['mood', 'enum', 'sad'],
      ['pair', 'composite', 'a integer'],
      ['percent', 'domain', 'numeric(5,2)'],
      ['span', 'range', 'of double precision'],
    ]);
    expect(odd?.types[2]?.definition.slice(1, 3)).toEqual(['NOT NULL', 'DEFAULT 0']);
  });

  it('writes the same text again, whatever the search path of the one who asks', async () => {
    const before = describeCatalog(catalog, 'odd');
    await sql.unsafe(
      `set search_path = ${JSON.stringify(ODD).replaceAll(String.raw`\"`, '""')}, public; set datestyle = 'German'; set quote_all_identifiers = on`,
    );
    const after = describeCatalog(await inspectCatalog(sql, ALL), 'odd');
    await sql.unsafe('reset all');
    expect(markdownOf(after)).toBe(markdownOf(before));
    expect(htmlOf(after)).toBe(htmlOf(before));
  });

  it('names and comments do nothing in either form', () => {
    const dictionary = describeCatalog(catalog, '<b>title</b>');
    const [markdown, page] = [markdownOf(dictionary), htmlOf(dictionary)];
    expect(page).not.toMatch(/<script|<b>/i);
    expect(page).toContain('&lt;/article&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
    const outsideCode = markdown.replaceAll(/(`+)(?!`).*?(?<!`)\1(?!`)/g, '').replace('<!-- Written', '');
    expect(outsideCode.match(/<(?!a id="[a-z0-9_-]+"><\/a>|\/a>)/g)).toBeNull();
    const rows = markdown.split('\n').filter((line) => line.startsWith('| `'));
    for (const row of rows) expect(row.replaceAll(String.raw`\|`, '').match(/\|/g), row).toHaveLength(7);
    const anchors = [...markdown.matchAll(/<a id="([^"]+)"/g)].map(([, anchor]) => anchor);
    expect(new Set(anchors).size).toBe(anchors.length);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, anchor = '']) => anchor);
    for (const link of new Set(links)) expect(page).toContain(`id="${link}"`);
  });

  it('--check: up to date after writing; then 2, naming what a migration changed, and what is missing', async () => {
    expect((await docs('--out', 'here')).status).toBe(0);
    const checked = await docs('--out', 'here', '--check');
    expect(checked).toMatchObject({ status: 0, stdout: expect.stringContaining('up to date  here/dictionary.md') });
    await sql.unsafe(`comment on table "a*".t is 'New.'; create table empty_one.first (x int)`);
    await rm(path.join(directory, 'here/dictionary.html'));
    const stale = await docs('--out', 'here', '--check', '--json');
    expect(stale.status).toBe(2);
    const told = JSON.parse(stale.stdout) as { stale: { file: string; state: string; sections: string[] }[]; written: string[] };
    expect(told.stale.map(({ state }) => state)).toEqual(['differs', 'missing']);
    expect(told.stale[0]?.sections).toEqual(expect.arrayContaining(['"a*".t', 'empty_one.first']));
    expect(told.stale[0]?.sections).not.toContain('"a*".c1');
    expect(told.written).toEqual([]);
    await writeFile(
      path.join(directory, 'here/dictionary.md'),
      (await readFile(path.join(directory, 'here/dictionary.md'), 'utf8')).replace('odd', 'even'),
    );
    expect((await docs('--out', 'here', '--check', '--format', 'markdown')).status).toBe(2);
  });

  it('--require-comments: 2 while something has none, each named', async () => {
    const { status, stderr } = await docs('--out', 'there', '--schema', 'a*', '--require-comments');
    expect(status).toBe(2);
    expect(stderr).toContain('no comment on column "a*".c1.id');
    // A schema of that very name is meant before what the star stands for.
    expect(stderr).not.toContain('animal');
  });

  it('a schema that is not there is refused, with the nearest', async () => {
    const { status, stderr } = await docs('--schema', 'emptyone');
    expect(stderr).toContain('there is no schema emptyone, did you mean "empty_one"?');
    expect(status).toBe(1);
  });

  it('a role without any right reads the same, and one that may not read the catalog is told so', async () => {
    await sql.unsafe('create role nobody_much login; revoke all on database odd from public; grant connect on database odd to nobody_much');
    const poor = postgres(cluster.url('odd', 'nobody_much'), { max: 1, fetch_types: false, onnotice: () => undefined });
    try {
      expect(markdownOf(describeCatalog(await inspectCatalog(poor, ALL), 'odd'))).toBe(
        markdownOf(describeCatalog(await inspectCatalog(sql, ALL), 'odd')),
      );
      await sql.unsafe('revoke select on pg_catalog.pg_proc from public');
      await expect(inspectCatalog(poor, ALL)).rejects.toMatchObject({ code: 'privilege-missing' });
    } finally {
      await poor.end({ timeout: 1 });
      await sql.unsafe('grant select on pg_catalog.pg_proc to public');
    }
  });

  it('a standby tells the same', async () => {
    const wanted = markdownOf(describeCatalog(await inspectCatalog(sql, ALL), 'odd'));
    await writeFile(path.join(cluster.dataDirectory ?? '', 'standby.signal'), '');
    await cluster.restart();
    expect([...(await sql`select pg_is_in_recovery() as standby`)]).toEqual([{ standby: true }]);
    expect(markdownOf(describeCatalog(await inspectCatalog(sql, ALL), 'odd'))).toBe(wanted);
  });
});
