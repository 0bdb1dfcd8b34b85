import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isRunning, processStatus } from '../../../src/base/processes.ts';

describe('a process', () => {
  test('runs until it has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    expect(await isRunning(pid)).toBe(true);
    expect(await isRunning(process.pid)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await isRunning(pid)).toBe(false);
    expect(await processStatus(pid)).toBeUndefined();
  });

  test.runIf(process.platform === 'linux')('that ended does not run while its parent has not asked for its end', async () => {
    // The shell starts a child and becomes a program that never asks for it.
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      for (let tries = 0; tries < 500 && (await processStatus(pid))?.state !== 'Z'; tries += 1) await sleep(10);
      expect(await processStatus(pid)).toMatchObject({ state: 'Z' });
      expect(() => process.kill(pid, 0)).not.toThrow();
      expect(await isRunning(pid)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
