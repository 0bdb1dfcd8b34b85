import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { untilDiskAnswers } from '../../../src/storage/disk-answers.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-disk-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const never = (): AbortSignal => new AbortController().signal;

test('a file that can be read, one that is not there and one in no directory are answers', async () => {
  const file = path.join(directory, 'there');
  await writeFile(file, 'x');
  await untilDiskAnswers(file, never());
  await untilDiskAnswers(path.join(directory, 'absent'), never());
  await untilDiskAnswers(path.join(file, 'below'), never());
});

test('what does not answer is given up, and nothing stays behind that would keep the process', async () => {
  // Whoever opens it waits for a writer, as for a mount whose server is gone.
  const file = path.join(directory, 'hangs');
  execFileSync('mkfifo', [file]);
  const gone = new Error('given up');
  await expect(untilDiskAnswers(file, AbortSignal.timeout(300))).rejects.toThrow(/timeout/);
  await expect(untilDiskAnswers(file, AbortSignal.abort(gone))).rejects.toBe(gone);
  const source = `import { untilDiskAnswers } from ${JSON.stringify(new URL('../../../src/storage/disk-answers.ts', import.meta.url).href)};
await untilDiskAnswers(${JSON.stringify(file)}, AbortSignal.timeout(300)).catch(() => console.log('given up'));`;
  expect(execFileSync(process.execPath, ['--input-type=module', '--eval', source], { encoding: 'utf8', timeout: 20_000 })).toBe(
    'given up\n',
  );
});
