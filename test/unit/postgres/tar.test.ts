import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePath } from '../../../src/base/path-bytes.ts';
import { parseTarHeader, TarReader, type TarEntry } from '../../../src/postgres/tar.ts';

interface Member {
  readonly path: string;
  readonly content: Uint8Array;
}

test('a stream gives its entries and their bytes however it is cut', () => {
  const member = fc.record({ path: fc.stringMatching(/^[a-z]{1,20}(\/[a-z]{1,20}){0,8}$/), content: fc.uint8Array({ maxLength: 2000 }) });
  fc.assert(
    fc.property(fc.array(member, { maxLength: 6 }), fc.integer({ min: 1, max: 1500 }), fc.boolean(), (members, pieceBytes, hasEnd) => {
      const stream = Buffer.concat([...members.flatMap((each) => memberBlocks(each)), Buffer.alloc(hasEnd ? 1024 : 0)]);
      expect(readAll(stream, pieceBytes)).toEqual(
        members.map(({ path, content }) => ({ path, content: Buffer.from(content).toString('hex') })),
      );
    }),
    { seed: 20261121 },
  );
});

test('a sink that returns promises is waited for, in order', async () => {
  const calls: string[] = [];
  const later = async (call: string): Promise<void> => {
    await Promise.resolve();
    calls.push(call);
  };
  const reader = new TarReader({
    entry: async (entry) => await later(`entry ${entry.path}`),
    data: async (chunk) => await later(`data ${chunk.length}`),
    endEntry: async () => await later('end'),
  });
  const blocks = [
    { path: 'a', content: new Uint8Array(3) },
    { path: 'b', content: new Uint8Array() },
  ].flatMap((each) => memberBlocks(each));
  await reader.push(Buffer.concat(blocks));
  expect(calls).toEqual(['entry a', 'data 3', 'end', 'entry b', 'end']);
});

test('a file over 8 GiB has its size in base 256', () => {
  const block = header({ path: 'base/1/2', typeFlag: '0', sizeBytes: 0 });
  block.fill(0, 124, 136);
  block[124] = 0x80;
  block.writeBigUInt64BE(9_000_000_000n, 128);
  expect(parseTarHeader(sealed(block))).toMatchObject({ path: 'base/1/2', sizeBytes: 9_000_000_000 });
});

test('directories and links have no content', () => {
  expect(parseTarHeader(header({ path: './pg_wal/', typeFlag: '5', sizeBytes: 0 }))).toMatchObject({
    path: 'pg_wal',
    type: 'directory',
    sizeBytes: 0,
  });
  const link = header({ path: 'pg_tblspc/16384', typeFlag: '2', sizeBytes: 0 });
  link.write('/srv/space', 157);
  expect(parseTarHeader(sealed(link))).toMatchObject({ type: 'symlink', linkTarget: '/srv/space' });
});

test('what PostgreSQL never sends is refused, not skipped', () => {
  for (const typeFlag of ['x', 'g', 'L', '1', '7']) {
    expect(() => parseTarHeader(header({ path: 'a', typeFlag, sizeBytes: 0 }))).toThrow(
      expect.objectContaining({ code: 'protocol-violation' }),
    );
  }
  const damaged = header({ path: 'a', typeFlag: '0', sizeBytes: 5 });
  damaged[0] = 0x62;
  expect(() => parseTarHeader(damaged)).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
});

test('a name that is not UTF-8 keeps its bytes', () => {
  const name = header({ path: 'a', typeFlag: '0', sizeBytes: 5 });
  name[0] = 0xff;
  expect(encodePath(parseTarHeader(sealed(name))?.path ?? '')).toEqual(Buffer.from([0xff]));
});

test('a stream that ends inside an entry is refused', () => {
  const reader = new TarReader({ entry: () => undefined, data: () => undefined, endEntry: () => undefined });
  void reader.push(Buffer.concat(memberBlocks({ path: 'a', content: new Uint8Array(600) })).subarray(0, 1000));
  expect(() => reader.end()).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
});

function readAll(stream: Buffer, pieceBytes: number): { path: string; content: string }[] {
  const found: { path: string; content: string }[] = [];
  let entry: TarEntry | undefined;
  let content = '';
  const reader = new TarReader({
    entry: (each) => void (entry = each),
    data: (chunk) => void (content += chunk.toString('hex')),
    endEntry: () => {
      found.push({ path: entry?.path ?? '', content });
      content = '';
    },
  });
  for (let offset = 0; offset < stream.length; offset += pieceBytes) void reader.push(stream.subarray(offset, offset + pieceBytes));
  reader.end();
  return found;
}

function memberBlocks({ path, content }: Member): Buffer[] {
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return [header({ path, typeFlag: '0', sizeBytes: content.length }), Buffer.from(content), padding];
}

function header(entry: { readonly path: string; readonly typeFlag: string; readonly sizeBytes: number }): Buffer {
  const block = Buffer.alloc(512);
  const cut = entry.path.length > 100 ? entry.path.lastIndexOf('/', 100) : -1;
  block.write(entry.path.slice(cut + 1), 0);
  block.write('0000600\0', 100);
  block.write(`${entry.sizeBytes.toString(8).padStart(11, '0')}\0`, 124);
  block.write('15107220617\0', 136);
  block.write(entry.typeFlag, 156);
  block.write('ustar\u000000', 257);
  if (cut >= 0) block.write(entry.path.slice(0, cut), 345);
  return sealed(block);
}

function sealed(block: Buffer): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
