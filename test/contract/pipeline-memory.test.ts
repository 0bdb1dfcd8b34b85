import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = path.resolve(import.meta.dirname, '..', 'backup', 'pipeline-memory.ts');
const LIMIT_BYTES = 350 * 1024 * 1024;
/** 200,000 files and 20 GB take some minutes: `DBADMIN_TEST_MEMORY=full`. */
const [files, megabytes] = process.env['DBADMIN_TEST_MEMORY'] === 'full' ? [200_000, 20_000] : [15_000, 150];

test('what is stored does not stay in memory, whatever comes', { timeout: 900_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, String(files), String(megabytes)]);
  const { named, newBlobs, maxRssBytes } = JSON.parse(stdout) as Record<string, number>;
  expect({ named, newBlobs }).toEqual({ named: files + megabytes, newBlobs: files + megabytes });
  expect(maxRssBytes).toBeLessThan(LIMIT_BYTES);
});
