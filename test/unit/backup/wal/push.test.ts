import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { DbadminError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { WalDestination } from '../../../../src/backup/wal/destination.ts';
import { pushWalBytes, type PushOptions } from '../../../../src/backup/wal/push-run.ts';
import { walFileOf } from '../../../../src/postgres/segment.ts';
import type { Repository } from '../../../../src/repository/repository.ts';
import { WalArchive } from '../../../../src/repository/wal-archive.ts';
import { readCoverage } from '../../../../src/repository/wal-coverage.ts';
import { makeMemoryRepository } from '../../../backup/memory-repository.ts';
import { makeSegment } from '../../../backup/wal-segment.ts';

const SYSTEM = 7_500_000_000_000_000_001n;
const SIZE = 1024 * 1024;
const FIRST = '000000010000000000000010';
const FIRST_LSN = 0x100_0000n;

let repository: Repository;
let asked: number;

beforeEach(async () => {
  repository = await makeMemoryRepository();
  asked = 0;
});

const destination = (target: Repository, required = true, name = 'local'): WalDestination => ({
  name,
  required,
  open: async () => await Promise.resolve(target),
});

const away = (required: boolean): WalDestination => ({
  name: 'offsite',
  required,
  open: async () => await Promise.reject(new DbadminError('repository-missing', 'there is no repository in /offsite')),
});

const options = (destinations: readonly WalDestination[] = [destination(repository)]): PushOptions => ({
  destinations,
  clusterName: 'main',
  owner: async () => {
    asked += 1;
    return await Promise.resolve({ systemIdentifier: SYSTEM.toString(), serverVersion: 170_000, walSegmentBytes: SIZE });
  },
  clock: systemClock,
  log: silentLog,
});

const archive = (): WalArchive => new WalArchive(repository, SYSTEM.toString(), SIZE);

describe('pushWalBytes', () => {
  test('the same segment twice is fine, other content under its name is refused and the first stays', async () => {
    const segment = makeSegment(SYSTEM, FIRST_LSN, SIZE, 1);
    expect(await pushWalBytes(FIRST, segment, options())).toBe('stored');
    expect(await pushWalBytes(FIRST, segment, options())).toBe('present');
    await expect(pushWalBytes(FIRST, makeSegment(SYSTEM, FIRST_LSN, SIZE, 2), options())).rejects.toMatchObject({
      code: 'wal-conflict',
      exitStatus: 1,
    });
    expect(await archive().readSegment(FIRST)).toEqual(segment);
  });

  test('the server is asked which cluster it is only until the repository knows', async () => {
    await pushWalBytes(FIRST, makeSegment(SYSTEM, FIRST_LSN, SIZE), options());
    expect(asked).toBe(1);
    await pushWalBytes('000000010000000000000011', makeSegment(SYSTEM, FIRST_LSN + 0x10_0000n, SIZE), options());
    expect(asked).toBe(1);
  });

  test('WAL of another cluster is refused, whether the repository knows that one or not', async () => {
    const foreign = makeSegment(SYSTEM + 1n, FIRST_LSN, SIZE);
    await expect(pushWalBytes(FIRST, foreign, options())).rejects.toMatchObject({
      code: 'wal-invalid',
      message: expect.stringMatching(/not WAL of cluster main/),
    });
    const other = {
      ...options(),
      clusterName: 'other',
      owner: async () => await Promise.resolve({ systemIdentifier: `${SYSTEM + 1n}`, serverVersion: 170_000, walSegmentBytes: SIZE }),
    };
    await pushWalBytes(FIRST, foreign, other);
    await expect(pushWalBytes(FIRST, foreign, options())).rejects.toMatchObject({ code: 'wal-invalid' });
  });

  test('a file of another size, a recycled one and one that is cut short are refused', async () => {
    await pushWalBytes(FIRST, makeSegment(SYSTEM, FIRST_LSN, SIZE), options());
    const next = '000000010000000000000011';
    await expect(pushWalBytes(next, makeSegment(SYSTEM, FIRST_LSN + 0x10_0000n, 2 * SIZE), options())).rejects.toMatchObject({
      code: 'wal-invalid',
    });
    await expect(pushWalBytes(next, makeSegment(SYSTEM, FIRST_LSN, SIZE), options())).rejects.toMatchObject({ code: 'wal-invalid' });
    await expect(pushWalBytes(next, Buffer.alloc(10), options())).rejects.toMatchObject({ code: 'wal-invalid' });
    await expect(pushWalBytes('nonsense', Buffer.alloc(10), options())).rejects.toMatchObject({ code: 'wal-name-invalid' });
  });

  test('a .partial is kept beside the segment, before and after it, and never counts as one', async () => {
    const partial = makeSegment(SYSTEM, FIRST_LSN, SIZE, 3);
    const whole = makeSegment(SYSTEM, FIRST_LSN, SIZE, 4);
    expect(await pushWalBytes(`${FIRST}.partial`, partial, options())).toBe('stored');
    expect(await archive().readSegment(FIRST)).toBeUndefined();
    expect((await readCoverage(repository, SYSTEM.toString(), SIZE)).timelines.get(1)?.runs).toEqual([]);
    expect(await pushWalBytes(FIRST, whole, options())).toBe('stored');
    expect(await pushWalBytes(`${FIRST}.partial`, partial, options())).toBe('present');
    expect(await archive().readSegment(FIRST)).toEqual(whole);
    expect(await archive().readPartial(FIRST)).toEqual(partial);
  });

  test('a second .partial of a segment, of another server promoted off the timeline, does not keep that one from archiving; the first stays', async () => {
    const [first, second] = [3, 4].map((fill) => makeSegment(SYSTEM, FIRST_LSN, SIZE, fill));
    if (first === undefined || second === undefined) throw new Error('two were made');
    const warned: string[] = [];
    const told = { ...options(), log: { ...silentLog, warn: (message: string) => void warned.push(message) } };
    expect(await pushWalBytes(`${FIRST}.partial`, first, told)).toBe('stored');
    expect(warned).toEqual([]);
    expect(await pushWalBytes(`${FIRST}.partial`, second, told)).toBe('present');
    expect(warned).toEqual([expect.stringContaining(`${FIRST}.partial of another server`)]);
    expect(await archive().readPartial(FIRST)).toEqual(first);
    await pushWalBytes(FIRST, first, told);
    await expect(pushWalBytes(FIRST, second, told)).rejects.toMatchObject({ code: 'wal-conflict' });
    await expect(pushWalBytes(`${FIRST}.partial`, makeSegment(SYSTEM + 1n, FIRST_LSN, SIZE), told)).rejects.toMatchObject({
      code: 'wal-invalid',
    });
  });

  test('history and backup history files are kept, and another history of a timeline is refused', async () => {
    const history = Buffer.from('1\t0/1000000\tno recovery target specified\n');
    expect(await pushWalBytes('00000002.history', history, options())).toBe('stored');
    expect(await pushWalBytes('00000002.history', history, options())).toBe('present');
    await expect(pushWalBytes('00000002.history', Buffer.from('1\t0/2000000\tx\n'), options())).rejects.toMatchObject({
      code: 'wal-conflict',
    });
    const label = `${FIRST}.00000028.backup`;
    expect(await pushWalBytes(label, Buffer.from('START WAL LOCATION'), options())).toBe('stored');
    expect(await archive().readBackupHistory(label)).toEqual(Buffer.from('START WAL LOCATION'));
    expect(await archive().readHistory(2)).toEqual(history);
  });

  test('a required repository that is away fails the push, and the other has the file all the same', async () => {
    const segment = makeSegment(SYSTEM, FIRST_LSN, SIZE, 1);
    await expect(pushWalBytes(FIRST, segment, options([away(true), destination(repository)]))).rejects.toMatchObject({
      code: 'repository-missing',
      detail: expect.stringContaining('offsite'),
    });
    expect(await archive().readSegment(FIRST)).toEqual(segment);
  });

  test('a repository that is not required is left behind with a warning', async () => {
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
    const segment = makeSegment(SYSTEM, FIRST_LSN, SIZE, 1);
    expect(await pushWalBytes(FIRST, segment, { ...options([destination(repository), away(false)]), log })).toBe('stored');
    expect(warnings).toEqual([expect.stringContaining('offsite was left behind')]);
  });

  test('what came into no repository is not stored, though none of them is required', async () => {
    const segment = makeSegment(SYSTEM, FIRST_LSN, SIZE, 1);
    await expect(pushWalBytes(FIRST, segment, options([away(false)]))).rejects.toMatchObject({ code: 'repository-missing' });
  });
});

test.each([
  ['000000010000000000000010', 'segment'],
  ['000000010000000000000010.partial', 'partial'],
  ['000000010000000000000010.00000028.backup', 'backup-history'],
  ['00000002.history', 'history'],
  ['RECOVERYXLOG', undefined],
  ['000000010000000000000010.part', undefined],
])('%s is a WAL file of kind %s', (name, kind) => {
  expect(walFileOf(name)?.kind).toBe(kind);
});
