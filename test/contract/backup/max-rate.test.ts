import { expect, test } from 'vitest';
import { runInProcess } from '../../backup/in-process.ts';

test.each(['0', '32', '31kB', '2GB', '1048577KiB'])(
  'backup run --max-rate %s is refused before anything is read, with the sizes that go',
  async (rate) => {
    const end = await runInProcess(['backup', 'run', '--url', 'postgresql://nobody@127.0.0.1:1/x', '--max-rate', rate], process.env);
    expect(end).toMatchObject({ status: 64, stderr: expect.stringContaining(`--max-rate takes 32KiB to 1GiB, not "${rate}"`) });
  },
);

test.each(['32KiB', '50MB', '1GiB'])('backup run --max-rate %s is not', async (rate) => {
  const end = await runInProcess(['backup', 'run', '--url', 'postgresql://nobody@127.0.0.1:1/x', '--max-rate', rate], process.env);
  expect(end.stderr).not.toContain('--max-rate');
});
