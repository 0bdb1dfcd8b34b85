import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { embeddedPrograms, hasEmbedded } from '../../../src/postgres/embedded.ts';
import { findClientProgram, findServerPrograms, missingServerPrograms } from '../../../src/postgres/programs.ts';

// Majors that no distribution has, so that what is installed on this machine does not matter.
const OLD = 96;
const NEW = 97;
let root: string;
const directoryOf = (major: number): string => path.join(root, String(major));

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-programs-'));
  for (const major of [OLD, NEW]) {
    await mkdir(directoryOf(major));
    for (const name of ['postgres', 'initdb', 'pg_ctl', 'pg_dump'])
      await program(directoryOf(major), name, `${name} (PostgreSQL) ${major}.3 (Debian)`);
  }
});
afterAll(async () => await rm(root, { recursive: true }));

test('server programs are found on PATH by the version they print', async () => {
  const env = { PATH: `${directoryOf(OLD)}:${directoryOf(NEW)}` };
  expect(await findServerPrograms(NEW, env)).toMatchObject({ major: NEW, binDirectory: directoryOf(NEW) });
  expect(await findServerPrograms(98, env)).toBeUndefined();
  expect(missingServerPrograms(98)).toMatchObject({
    code: 'program-missing',
    hint: expect.stringContaining('DBADMIN_PG_BIN_98') as string,
  });
});

test('pg_config tells where they are', async () => {
  const elsewhere = path.join(root, 'elsewhere');
  await mkdir(elsewhere);
  await program(elsewhere, 'pg_config', directoryOf(OLD));
  expect(await findServerPrograms(OLD, { PATH: elsewhere })).toMatchObject({ binDirectory: directoryOf(OLD) });
});

test('a directory that is configured is taken, and a wrong one refused', async () => {
  expect(await findServerPrograms(OLD, { [`DBADMIN_PG_BIN_${OLD}`]: directoryOf(OLD) })).toMatchObject({ binDirectory: directoryOf(OLD) });
  const wrong = { PATH: directoryOf(OLD), [`DBADMIN_PG_BIN_${OLD}`]: directoryOf(NEW) };
  await expect(findServerPrograms(OLD, wrong)).rejects.toMatchObject({ code: 'program-missing' });
});

test.runIf(hasEmbedded(14))('the npm package serves where nothing is installed', async () => {
  const found = await findServerPrograms(14, { PATH: '' });
  expect(found?.major).toBe(14);
});

test('where none is new enough for a reason of its own, that is said', async () => {
  const wanted = { atLeastMajor: 98, because: 'Older ones are colour-blind.' };
  await expect(findClientProgram('pg_dump', wanted, { PATH: directoryOf(OLD) })).rejects.toMatchObject({
    code: 'program-missing',
    detail: expect.stringMatching(/^Found only .*96\.3[\s\S]*\nOlder ones are colour-blind\.$/) as string,
  });
});

test('the client program nearest above the server is taken', async () => {
  const env = { PATH: `${directoryOf(NEW)}:${directoryOf(OLD)}` };
  expect(await findClientProgram('pg_dump', { atLeastMajor: OLD }, env)).toMatchObject({ major: OLD, version: `${OLD}.3` });
  expect(await findClientProgram('pg_dump', { atLeastMajor: NEW }, env)).toMatchObject({
    major: NEW,
    path: path.join(directoryOf(NEW), 'pg_dump'),
  });
});

test('only older ones are refused, with what was found and how to get the right one', async () => {
  const refused = findClientProgram('pg_dump', { atLeastMajor: 98 }, { PATH: directoryOf(NEW) });
  await expect(refused).rejects.toMatchObject({
    code: 'program-missing',
    message: 'pg_dump of PostgreSQL 98 or newer is not on this machine',
    detail: expect.stringContaining(`${NEW}.3 (${path.join(directoryOf(NEW), 'pg_dump')})`) as string,
    hint: expect.stringContaining('98') as string,
  });
});

async function program(directory: string, name: string, prints: string): Promise<void> {
  const file = path.join(directory, name);
  await writeFile(file, `#!/bin/sh\necho '${prints}'\n`);
  await chmod(file, 0o755);
}

test.runIf(hasEmbedded(14))('where the programs cannot be kept, that is said, with the way out', async () => {
  // Below what is no directory, which root may not make either.
  const place = path.join(import.meta.filename, 'cache');
  await expect(embeddedPrograms(14, place)).rejects.toMatchObject({
    code: 'file-unwritable',
    message: `cannot keep the server programs of PostgreSQL 14 in ${place}`,
    hint: expect.stringContaining('XDG_CACHE_HOME'),
  });
});
