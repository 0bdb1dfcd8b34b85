import { expect, test } from 'vitest';
import { AheadPages } from '../../../src/backup/take/ahead-pages.ts';

/** A page with content, last changed by what ends at `lsn`. */
function page(lsn: bigint): Buffer {
  const bytes = Buffer.alloc(8192, 7);
  bytes.writeUInt32LE(Number(lsn >> 32n), 0);
  bytes.writeUInt32LE(Number(lsn & 0xffffffffn), 4);
  return bytes;
}

const blocksOf = (pages: AheadPages, stopLsn: bigint): readonly number[] => pages.beyond(stopLsn).map(({ block }) => block);
const COLD = page(0x10n);

test('a page that differs is ahead where its LSN is beyond the end of the backup that read it, and not before', () => {
  const pages = new AheadPages(10, 0x2000n, 0x1800n);
  for (const [block, lsn] of [0x1fffn, 0x2001n, 0x3000n, 0x3001n, 0xc0ffee_00000000n].entries())
    pages.note('base/5/1', block, page(lsn), COLD);
  expect(blocksOf(pages, 0x3000n)).toEqual([3, 4]);
});

test('a page tells nothing where the one before it had no LSN that the server gave: of an encrypted storage, or zeros', () => {
  const pages = new AheadPages(10, 0x2000n, 0x1800n);
  pages.note('base/5/1', 0, page(0xc0ffee_00000000n), page(0xbadcafe_00000000n));
  pages.note('base/5/1', 1, page(0xc0ffee_00000000n), Buffer.alloc(8192));
  pages.note('base/5/1', 2, page(0xc0ffee_00000000n), page(0n));
  pages.note('base/5/1', 3, page(0xc0ffee_00000000n), undefined);
  expect(pages.beyond(0x3000n)).toMatchObject([
    { block: 2, isBeforeSeen: true },
    { block: 3, isBeforeSeen: false },
  ]);
});

test('of many that changed meanwhile those stay that are ahead most, in the order of their files', () => {
  const pages = new AheadPages(3, 0x2000n, 0x1800n);
  for (let block = 0; block < 1000; block += 1) {
    pages.note('base/5/2', block, page(0x2001n + BigInt(block)), COLD);
    if (block % 400 === 0) pages.note('base/5/1', block, page(0x9000n - BigInt(block)), COLD);
  }
  expect(pages.beyond(0x3000n).map(({ path, block }) => `${path} ${block}`)).toEqual(['base/5/1 0', 'base/5/1 400', 'base/5/1 800']);
});
