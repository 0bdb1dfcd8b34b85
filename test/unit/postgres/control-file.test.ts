import { expect, test } from 'vitest';
import { parseControlFile } from '../../../src/postgres/control-file.ts';

test('a pg_control with one changed bit, of another version, or cut short is refused', () => {
  const file = Buffer.alloc(8192);
  file.writeUInt32LE(1300, 8);
  expect(() => parseControlFile(file)).toThrow(expect.objectContaining({ code: 'file-unreadable' }));
  file.writeUInt32LE(1201, 8);
  expect(() => parseControlFile(file)).toThrow(expect.objectContaining({ code: 'server-unsupported' }));
  expect(() => parseControlFile(file.subarray(0, 100))).toThrow(expect.objectContaining({ code: 'file-unreadable' }));
});
