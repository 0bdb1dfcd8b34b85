import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makePlanDirectory } from '../../../src/commands/console/plan-directory.ts';

test('the plans of a console that was killed go with the next one, those of one that runs stay, and nobody else can read them', async () => {
  // No process has so high a number; the one that started this test runs.
  const dead = path.join(os.tmpdir(), 'dbadmin-console-999999999-dead');
  const alive = path.join(os.tmpdir(), `dbadmin-console-${process.ppid}-alive`);
  for (const each of [dead, alive]) {
    await mkdir(each, { recursive: true });
    await writeFile(path.join(each, 'x.plan'), 'x');
  }
  const made = await makePlanDirectory();
  try {
    await expect(stat(dead)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await stat(alive)).isDirectory()).toBe(true);
    expect((await stat(made)).mode & 0o777).toBe(0o700);
  } finally {
    for (const each of [alive, made]) await rm(each, { recursive: true });
  }
});
