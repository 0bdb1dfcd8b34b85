import { expect, test } from 'vitest';
import type { FileUse } from '../../../src/backup/take/file-use-inspect.ts';
import { UnloggedPages, unjudgedPages } from '../../../src/backup/take/unlogged-pages.ts';

const WHY = { unknown: 'refused', wayOut: 'GRANT' };
const USES: Readonly<Record<string, FileUse>> = { 'base/5/1': 'used', 'base/5/2': 'unused', 'base/6/3': WHY };
const inspectUse = async (paths: readonly string[]): Promise<ReadonlyMap<string, FileUse>> =>
  await Promise.resolve(new Map(paths.map((path) => [path, USES[path] ?? 'unused'])));

test('a page of which nothing was ever logged is wrong where its file is one that is read, and nobody judges it where that is not known', async () => {
  const pages = new UnloggedPages(2);
  for (const block of [4, 5, 9]) for (const path of Object.keys(USES)) pages.add(path, block);
  expect(await pages.judge(inspectUse)).toEqual({
    mismatches: new Map([['base/5/1', { blocks: [4, 5], pages: 3 }]]),
    unjudged: [{ path: 'base/6/3', pages: 3, reason: 'refused', wayOut: 'GRANT' }],
  });
});

test('nobody is asked about pages that there are not', async () => {
  const asked = async (): Promise<never> => await Promise.reject(new Error('asked'));
  expect(await new UnloggedPages(2).judge(asked)).toEqual({ mismatches: new Map(), unjudged: [] });
  expect(unjudgedPages([])).toBeUndefined();
});

test('what nobody could judge is kept by cause, those with the most pages first', () => {
  const refused = [1, 2].map((file) => ({ path: `base/6/${file}`, pages: 2, reason: 'refused', wayOut: 'GRANT' }));
  const other = { path: 'base/1/9', pages: 5, reason: 'away', wayOut: 'once it is back' };
  expect(unjudgedPages([...refused, other])).toEqual({
    pages: 9,
    files: 3,
    causes: [
      { pages: 5, files: 1, paths: ['base/1/9'], reason: 'away', wayOut: 'once it is back' },
      { pages: 4, files: 2, paths: ['base/6/1', 'base/6/2'], reason: 'refused', wayOut: 'GRANT' },
    ],
  });
});

test('of however many causes and files a few are kept, and all pages are counted', () => {
  const files = Array.from({ length: 13 * 150 }, (_, n) => ({
    path: `base/${n % 13}/${n}`,
    pages: 20 - (n % 13),
    reason: `database ${n % 13}`,
    wayOut: `GRANT ${n % 13}`,
  }));
  const kept = unjudgedPages(files);
  expect(kept).toMatchObject({ pages: files.reduce((sum, { pages }) => sum + pages, 0), files: 13 * 150 });
  expect(kept?.causes.map(({ pages, files: count, paths }) => [pages, count, paths.length])).toEqual([
    ...[20, 19, 18, 17, 16, 15, 14, 13, 12].map((pages) => [pages * 150, 150, 100]),
    [(11 + 10 + 9 + 8) * 150, 600, 100],
  ]);
  expect(kept?.causes.at(-1)).toMatchObject({ reason: 'database 9, and 3 more reasons', wayOut: 'GRANT 9' });
  const eleven = unjudgedPages(files.filter((_, n) => n % 13 < 11));
  expect(eleven?.causes.at(-1)).toMatchObject({ reason: 'database 9, and one more reason' });
});
