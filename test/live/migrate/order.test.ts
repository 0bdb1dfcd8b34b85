import { afterAll, expect, test } from 'vitest';
import { seededRandom } from '../../backup/workload.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { createProject } from './project.ts';

const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');
const FILES = 40;
const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

function shuffled<Value>(values: readonly Value[], random: () => number): readonly Value[] {
  return values
    .map((value) => ({ value, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

test('files that come to disk in any order, by any kind of version, are applied in the order of their versions, each once', async () => {
  const random = seededRandom(SEED);
  const numbers = Array.from({ length: FILES }, (_, index) => 10n ** BigInt(Math.floor(random() * 14)) + BigInt(index));
  const ordered = [...new Set(numbers)].sort((a, b) => (a < b ? -1 : 1)).map(String);
  await sql`create table ran (place int generated always as identity, version text)`;
  const project = await createProject(database.url);
  try {
    for (const version of shuffled(ordered, random)) {
      await project.write(
        `migrations/${version}_${random().toString(36).slice(2)}.sql`,
        `insert into ran (version) values ('${version}');`,
      );
    }
    const { versioned } = await project.up();
    expect(
      versioned.map(({ version }) => version),
      `seed ${SEED}`,
    ).toEqual(ordered);
    expect((await sql`select version from ran order by place`).map(({ version }) => version as string)).toEqual(ordered);
  } finally {
    await project.delete();
  }
});

test('files that are merged late in any order are refused until it is accepted, and then applied each once', async () => {
  const random = seededRandom(SEED + 1);
  await sql`drop schema dbadmin cascade`;
  await sql`truncate ran`;
  const versions = Array.from({ length: FILES / 4 }, (_, index) => String(100 + index));
  const project = await createProject(database.url);
  try {
    let newest = '';
    for (const version of shuffled(versions, random)) {
      await project.write(`migrations/${version}_t.sql`, `insert into ran (version) values ('${version}');`);
      if (version < newest) expect((await project.failure()).message, `seed ${SEED}`).toContain(`${version}_t.sql`);
      await project.up({ policy: { outOfOrder: true, missing: false } });
      if (version > newest) newest = version;
    }
    expect((await sql`select version from ran order by version`).map(({ version }) => version as string)).toEqual(versions);
    expect((await project.up()).runId).toBeUndefined();
  } finally {
    await project.delete();
  }
});
