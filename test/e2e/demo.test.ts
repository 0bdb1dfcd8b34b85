import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { excerptFrom, settled } from './readme-blocks.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

test('npm run demo brings every row back, prints what the README shows, and leaves nothing behind', async () => {
  const { status, stdout, stderr } = await runDemo();
  expect(status, `${stdout}\n${stderr}`).toBe(0);

  const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8');
  const shown = excerptFrom(readme, '── restore to the moment before, into a second cluster').filter((line) => line.trim() !== '…');
  expect(shown.length).toBeGreaterThan(15);
  const printed = stdout.split('\n').map(settled);
  const inOrder = shown.map(settled).reduce<{ at: number; missing: string[] }>(
    ({ at, missing }, line) => {
      const found = printed.indexOf(line, at);
      return found === -1 ? { at, missing: [...missing, line] } : { at: found + 1, missing };
    },
    { at: 0, missing: [] },
  );
  expect(inOrder.missing).toEqual([]);

  const directory = /--into (\S+dbadmin-demo-\w+)/.exec(stdout)?.[1] ?? '';
  await expect(readFile(path.join(directory, 'server'))).rejects.toMatchObject({ code: 'ENOENT' });
});

async function runDemo(): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:PG|DATABASE_URL|DBADMIN_)/.test(name)));
  const child = spawn(process.execPath, ['demo/demo.ts'], { cwd: ROOT, env: { ...env, TZ: 'UTC' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, stdout, stderr };
}
