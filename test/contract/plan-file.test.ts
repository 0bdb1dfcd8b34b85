import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPlanFile, writePlanFile } from '../../src/base/plan-file.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-plan-'))));
afterEach(async () => await rm(directory, { recursive: true, force: true }));

test('a plan replaces the one before it, whole, and nothing else is left beside it', async () => {
  const file = path.join(directory, 'plan.json');
  await writePlanFile(file, 'the first, which is longer');
  await writePlanFile(file, 'the second');
  expect(await readPlanFile(file)).toBe('the second');
  expect(await readdir(directory)).toEqual(['plan.json']);
});

test('a plan that cannot be put in its place says so and leaves nothing beside it', async () => {
  const file = path.join(directory, 'plan.json');
  await mkdir(path.join(file, 'in-the-way'), { recursive: true });
  await expect(writePlanFile(file, 'text')).rejects.toMatchObject({
    code: 'file-unwritable',
    message: `cannot write the plan ${file}`,
    detail: expect.stringContaining('EISDIR') as string,
  });
  expect(await readdir(directory)).toEqual(['plan.json']);
});

test('a plan in a directory that is not there is refused, and so is reading one', async () => {
  const file = path.join(directory, 'nowhere', 'plan.json');
  await expect(writePlanFile(file, 'text')).rejects.toMatchObject({ code: 'file-unwritable' });
  await expect(readPlanFile(file)).rejects.toMatchObject({ code: 'file-unreadable', message: `cannot read the plan ${file}` });
  expect(await readdir(directory)).toEqual([]);
});
