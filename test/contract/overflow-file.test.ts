import { readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { OverflowFile } from '../../src/base/overflow-file.ts';

function opened(): OverflowFile {
  const file = OverflowFile.open();
  if (file === undefined) throw new Error('there is no temporary directory');
  return file;
}

test('what was set aside comes back, from its position', () => {
  const file = opened();
  const [first, second] = [Buffer.from('first'), Buffer.from('and the second')];
  expect([file.append(first), file.append(second)]).toEqual([0, 5]);
  const back = Buffer.alloc(second.byteLength);
  file.read(5, back);
  expect(back).toEqual(second);
  const again = Buffer.alloc(first.byteLength);
  file.read(0, again);
  expect(again).toEqual(first);
});

test('what the storage lost is an error, and no zeros', () => {
  const file = opened();
  file.append(Buffer.alloc(100, 7));
  const ours = readdirSync('/proc/self/fd').find((each) => isOverflow(each, 100));
  expect(ours).toBeDefined();
  writeFileSync(`/proc/self/fd/${ours}`, Buffer.alloc(100));
  expect(() => file.read(0, Buffer.alloc(100))).toThrow(
    expect.objectContaining({ code: 'file-unreadable', detail: 'it is not what was written' }),
  );
});

function isOverflow(descriptor: string, sizeBytes: number): boolean {
  const link = `/proc/self/fd/${descriptor}`;
  try {
    return readlinkSync(link).includes('dbadmin-overflow-') && statSync(link).size === sizeBytes;
  } catch {
    return false;
  }
}
