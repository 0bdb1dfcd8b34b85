import path from 'node:path';
import { expect, test } from 'vitest';
import { readFiles } from '../../src/migrate/inspect.ts';
import { checkLock } from '../../src/migrate/schema/lock-file-apply.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

test("the reference project's lock file lists its migrations; else run dbadmin migrate validate --offline --write-lock", async () => {
  const directories = { project: ROOT, migrations: path.join(ROOT, 'sql/migrations'), routines: path.join(ROOT, 'sql/routines') };
  expect(await checkLock(directories, await readFiles(directories))).toEqual([]);
});
