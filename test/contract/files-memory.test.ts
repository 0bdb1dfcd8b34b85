import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = path.resolve(import.meta.dirname, '..', 'backup', 'files-memory.ts');
const FILES = 50_000;
/** Bytes for each file. As objects with their paths as text a parent's were 290, and a restore's entries 340, which the collector copies besides. */
const LIMITS = { parent: 220, entries: 220, layout: 20, found: 100, delta: 20 };

test('of the files of a backup little is held, whoever needs all of them at once', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', PROGRAM, String(FILES)]);
  const { counts, held } = JSON.parse(stdout) as { readonly counts: unknown; readonly held: Readonly<Record<string, number>> };
  expect(counts).toEqual({ parent: FILES + 1, laid: FILES, compared: FILES, written: 0 });
  const tooMuch = Object.entries(LIMITS).filter(([name, limit]) => !((held[name] ?? Infinity) < limit));
  expect(tooMuch, JSON.stringify(held)).toEqual([]);
});
