import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDiskStore } from '../../src/storage/disk.ts';

const OBJECT_BYTES = 300_000;
const ROUNDS = 12;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-kill-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

it('a disk store whose writer is killed at any moment holds whole objects only, and goes on', async () => {
  const store = await createDiskStore(directory);
  let leftBehind = 0;
  let confirmed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const writer = spawn(process.execPath, ['--input-type=module', '-e', WRITER, directory, `round${round}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => writer.once('exit', resolve));
    let said = '';
    writer.stdout.on('data', (data: Buffer) => (said += data.toString()));
    await once(writer.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, round * 3));
    writer.kill('SIGKILL');
    await ended;
    // Only whole lines: the last one may have been cut.
    const promised = said.split('\n').slice(0, -1);
    confirmed += promised.length;
    const found = new Map<string, number>();
    for await (const { key, sizeBytes } of store.list(`round${round}/`)) found.set(key, sizeBytes);
    for (const key of promised) expect(found.get(key)).toBe(OBJECT_BYTES);
    for (const [key, sizeBytes] of found) {
      expect(sizeBytes).toBe(OBJECT_BYTES);
      const bytes = await store.read(key);
      expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
    }
    await store.create(`round${round}/after`, Buffer.alloc(OBJECT_BYTES));
    leftBehind += (await readdir(path.join(directory, `round${round}`))).filter((name) => name.endsWith('.tmp')).length;
  }
  expect(confirmed).toBeGreaterThanOrEqual(ROUNDS);
  process.stderr.write(`killed ${ROUNDS} writers after ${confirmed} objects, ${leftBehind} of them within a write\n`);
  expect(await store.removeUnfinished(new Date(Date.now() + 1000))).toBe(leftBehind);
});

/** Creates objects one after the other and says each key once it is durable. */
const WRITER = `
const { createDiskStore } = await import(${JSON.stringify(fileURLToPath(new URL('../../src/storage/disk.ts', import.meta.url)))});
const [, directory, round] = process.argv;
const store = await createDiskStore(directory);
for (let number = 0; ; number += 1) {
  const key = round + '/' + number;
  await store.create(key, Buffer.alloc(${OBJECT_BYTES}, number + 1));
  process.stdout.write(key + '\\n');
}`;
