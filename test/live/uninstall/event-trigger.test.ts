import { expect, test } from 'vitest';
import { connectionOfUrl } from '../../../src/config/load.ts';
import { applyUninstall } from '../../../src/uninstall/apply.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';

test('event triggers of a database, which run for what uninstall drops, have the path that it gives', async () => {
  const database = await createTestDatabase();
  try {
    await database.sql.unsafe(`create schema made; create table public.seen (tag text);
      create function public.see() returns event_trigger language plpgsql as $$begin insert into seen values (tg_tag); end$$;
      create event trigger see on sql_drop execute function public.see()`);
    const connection = connectionOfUrl({ env: {}, cwd: '/' }, database.url);
    const step = { database: database.name, what: 'schema made', sql: 'DROP SCHEMA made CASCADE' };
    expect(await applyUninstall(connection, { steps: [step], left: [], blockers: [] })).toEqual([step]);
    expect(await database.sql`select tag from public.seen`).toEqual([{ tag: 'DROP SCHEMA' }]);
  } finally {
    await database.drop();
  }
});
