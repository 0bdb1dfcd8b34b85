import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, nameDatabase } from '../../../src/backup/dump/database-apply.ts';
import { inspectDatabaseProperties } from '../../../src/backup/dump/database-properties-inspect.ts';
import { propertyStatements, type DatabaseProperties } from '../../../src/backup/dump/database-properties.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const OPTIONS = new Map([
  [14, "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'"],
  [16, "encoding 'UTF8' locale_provider icu icu_locale 'en' icu_rules '&a < g'"],
  [18, "encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8'"],
]);

describe.each([...OPTIONS])('the properties of a database on PostgreSQL %d', (major, options) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major, provider: 'embedded' });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create role keeper');
    await sql.unsafe(`create database one template template0 ${options}`);
    await sql.unsafe('alter database one owner to keeper');
    await sql.unsafe('revoke all on database one from public');
    await sql.unsafe("alter database one set search_path to '$user', 'x y'");
  });

  afterAll(async () => {
    await sql.end();
    await cluster.stop();
  });

  async function propertiesOf(name: string): Promise<DatabaseProperties> {
    const found = (await inspectDatabaseProperties(sql)).get(name);
    if (found === undefined) throw new Error(`there is no database ${name}`);
    return found;
  }

  test('are those of another that is made after it', async () => {
    const properties = await propertiesOf('one');
    expect(properties).toMatchObject({ owner: 'keeper', settings: [{ role: null, name: 'search_path', value: '"$user", "x y"' }] });
    expect(properties.privileges?.map(({ grantee }) => grantee)).not.toContain(null);
    expect(await createDatabase(sql, 'other (dbadmin)', properties)).toEqual([]);
    expect(await nameDatabase(cluster.parameters(), 'other (dbadmin)', 'other', properties)).toEqual([]);
    expect(await propertiesOf('other')).toEqual(properties);
  });

  test('are all named when the server cannot be reached', async () => {
    const properties = await propertiesOf('one');
    const parameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: await freePort() }] };
    const statements = [`ALTER DATABASE "away (dbadmin)" RENAME TO "away"`, ...propertyStatements(properties, 'away')];
    await expect(nameDatabase(parameters, 'away (dbadmin)', 'away', properties)).rejects.toMatchObject({
      code: 'query-failed',
      detail: expect.stringMatching(/^It is whole, and there as "away \(dbadmin\)": cannot connect to /),
      hint: ['Do the rest by hand:', ...statements.map((statement) => `${statement};`)].join('\n'),
    });
  });

  test('that it cannot have are named, and the database is made without them', async () => {
    const properties = await propertiesOf('one');
    const locale = { ...properties.locale, provider: 'builtin', name: 'no such', rules: null } as const;
    const refused = await createDatabase(sql, 'without', { ...properties, locale });
    expect(refused[0]?.statement).toContain("LOCALE_PROVIDER builtin BUILTIN_LOCALE 'no such'");
    expect((await propertiesOf('without')).privileges?.map(({ grantee }) => grantee)).not.toContain(null);
  });
});
