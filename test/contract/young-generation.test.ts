import { execFile } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const MODULE = pathToFileURL(path.resolve(import.meta.dirname, '..', '..', 'src', 'base', 'young-generation.ts')).href;

/** Makes two million objects of which some live for a while, and tells what the young generation came to, in bytes. */
const CHURN = `
  const { getHeapSpaceStatistics } = await import('node:v8');
  const kept = [];
  for (let n = 0; n < 2_000_000; n += 1) {
    kept[n % 100_000] = { path: 'base/5/' + n, extents: [[0, n]] };
  }
  console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').physical_space_size, kept.length);
`;

async function youngBytes(before: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', `${before}${CHURN}`]);
  return Number(stdout.split(' ')[0]);
}

test('the young generation stays as it is from when it is told to', { timeout: 60_000 }, async () => {
  const kept = await youngBytes(`(await import(${JSON.stringify(MODULE)})).keepYoungGeneration();`);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan((await youngBytes('')) / 2);
});
