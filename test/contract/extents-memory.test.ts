import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = path.resolve(import.meta.dirname, '..', 'backup', 'extents-memory.ts');
const FILES = 24;
const EXTENTS = FILES * 131_072;
/** However many there are. All of them in memory were 59 and 89 MB, here: 20 and 28 bytes each; what a restore plans from is among the entries. */
const LIMITS = { parent: 14e6, entries: 24e6, plan: 8e6, searched: 8e6 };

interface Seen {
  readonly extents: number;
  /** How many did not come back as they were. */
  readonly differ: number;
  readonly held: Readonly<Record<string, number>>;
}

async function see(temporary?: string): Promise<Seen> {
  const env = temporary === undefined ? process.env : { ...process.env, TMPDIR: temporary };
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', PROGRAM, String(FILES)], { env });
  return JSON.parse(stdout) as Seen;
}

test(
  'of millions of extents some are held in memory, the others come back from the temporary directory',
  { timeout: 120_000 },
  async () => {
    const { extents, differ, held } = await see();
    expect({ extents, differ }).toEqual({ extents: EXTENTS, differ: 0 });
    const tooMuch = Object.entries(LIMITS).filter(([name, limit]) => !((held[name] ?? Infinity) < limit));
    expect(tooMuch, JSON.stringify(held)).toEqual([]);
  },
);

test('where there is no temporary directory all of them are held', { timeout: 120_000 }, async () => {
  const { extents, differ, held } = await see('/nonexistent');
  expect({ extents, differ }).toEqual({ extents: EXTENTS, differ: 0 });
  expect(held['parent']).toBeGreaterThan(LIMITS.parent);
});
