import { describe, expect, it } from 'vitest';
import { partBytes, withinParts } from '../../../src/storage/s3-create.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

async function* nothing(): AsyncGenerator<Uint8Array> {}

describe('the parts of an object in S3', () => {
  it('are so large that a dump of terabytes fits into those that S3 takes, whether its length is known or expected', () => {
    for (const totalBytes of [157 * GIB, 1024 * GIB, 4096 * GIB]) {
      for (const size of [{ sizeBytes: totalBytes }, { expectedBytes: totalBytes }])
        expect(Math.ceil(totalBytes / partBytes({ stream: nothing(), ...size }))).toBeLessThanOrEqual(9000);
    }
  });

  it('are not smaller than a request of its own is worth, and of one size where nothing is known', () => {
    expect(partBytes({ stream: nothing(), sizeBytes: 9 * MIB })).toBe(8 * MIB);
    expect(partBytes({ stream: nothing() })).toBe(16 * MIB);
  });

  it('are made larger by what is expected and never smaller, for it may be wrong by any factor', () => {
    for (const expectedBytes of [0, 9 * MIB, 100 * GIB]) expect(partBytes({ stream: nothing(), expectedBytes })).toBe(16 * MIB);
    expect(partBytes({ stream: nothing(), expectedBytes: 300 * GIB })).toBeGreaterThan(34 * MIB);
  });

  it('are no larger than needed where it is known how much it is at most', () => {
    expect(partBytes({ stream: nothing(), mostBytes: 65 * MIB })).toBe(8 * MIB);
    expect(partBytes({ stream: nothing(), mostBytes: 300 * GIB })).toBeGreaterThan(34 * MIB);
  });

  it('that would be too many are refused for good, before more than S3 takes is sent', async () => {
    let sentBytes = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(999);
    };
    const sending = async (): Promise<void> => {
      for await (const piece of withinParts(endless(), 10, 's3://acme', 'dumps/app')) sentBytes += piece.byteLength;
    };
    await expect(sending()).rejects.toMatchObject({
      code: 'storage-unsupported',
      retryable: false,
      message: expect.stringContaining('dumps/app'),
      detail: expect.stringContaining('10000 parts'),
    });
    expect(sentBytes).toBeGreaterThan(99_000);
    expect(sentBytes).toBeLessThanOrEqual(100_000);
  });
});
