import { describe, expect, test } from 'vitest';
import { auditRules, EmptiedPages, isAudited, judgePage } from '../../../src/backup/take/audit.ts';
import { BlobIntake } from '../../../src/backup/take/blob-intake.ts';
import { ContentSink } from '../../../src/backup/take/content-sink.ts';
import { arrayOf, listOf, overlayExtents } from '../../../src/backup/take/extents.ts';
import { chooseMode, kindOf, mayHoldStandbyPages, withoutBlocks } from '../../../src/backup/take/mode.ts';
import { changedStretches, hashPages } from '../../../src/backup/take/page-hashes.ts';
import { chooseParent, type ParentChoice } from '../../../src/backup/take/parent-inspect.ts';
import { suspicionsOf } from '../../../src/backup/suspicion.ts';
import { isIncrementalPath, pathOfIncremental, readIncrementalHead, rebuiltBlocks } from '../../../src/postgres/incremental-file.ts';
import type { Intake, TakenFile } from '../../../src/backup/take/whole-file.ts';
import { BlobPipeline } from '../../../src/repository/blob-pipeline.ts';
import { decodePath, encodePath } from '../../../src/base/path-bytes.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import fc from 'fast-check';

const summary = (label: string, startLsn: string, more: Partial<BackupSummary> = {}): BackupSummary => ({
  label,
  kind: 'full',
  systemIdentifier: '1',
  serverVersion: 180004,
  tool: '0.1.0',
  startedAt: '2026-11-21T00:00:00.000Z',
  finishedAt: '2026-11-21T00:00:01.000Z',
  startLsn,
  stopLsn: startLsn,
  startTimeline: 1,
  stopTimeline: 1,
  walSegmentBytes: 16777216,
  blockBytes: 8192,
  checksums: true,
  damage: null,
  warnings: [],
  tablespaces: [],
  fileCount: 1,
  plainBytes: 1,
  newBlobs: 1,
  storedBytes: 1,
  ...more,
});

const source = {
  systemIdentifier: '1',
  serverVersion: 180006,
  walSegmentBytes: 16777216,
  blockBytes: 8192,
  checksums: true,
};

const choices = (...lists: readonly (readonly BackupSummary[])[]): readonly ParentChoice[] =>
  lists.map((backups) => ({ backups, suspicions: suspicionsOf(backups, []) }));

describe('the backup to build on', () => {
  test('is the newest by position that every repository has', () => {
    const [a, b, c] = [summary('a', '0/1000'), summary('b', '1/0'), summary('c', '0/2000')];
    expect(chooseParent(choices([a, b, c], [a, c]), source, 1)).toBe(c);
    expect(chooseParent(choices([a, b, c]), source, 1)).toBe(b);
    expect(chooseParent(choices([a, b, c]), source, 1, new Set(['b']))).toBe(c);
  });

  test('is none that an audit casts doubt on, but the audited one, until somebody says that it is the wrong one', () => {
    const audit = { comparedWith: 'b', pages: 9, benign: 0, mismatches: [{ path: 'base/5/1', block: 7 }] };
    const [a, b, c] = [
      summary('a', '0/1000'),
      summary('b', '0/2000', { kind: 'incremental', parent: 'a' }),
      summary('c', '0/3000', { audit }),
    ];
    expect(chooseParent(choices([a, b, c]), source, 1)).toBe(c);
    // The other repository has not got the audited one: what one knows counts for both.
    expect(chooseParent(choices([a, b, c], [a, b]), source, 1)).toEqual({ reason: 'an audit casts doubt on every earlier backup' });
    const finding = { label: 'c', name: 'x', sound: 'earlier', wrong: ['c'], reason: 'looked', placedAt: new Date(0), by: 'a@b' } as const;
    const backups = [a, b, c];
    expect(chooseParent([{ backups, suspicions: suspicionsOf(backups, [finding]) }], source, 1)).toBe(b);
  });

  test('is none that is another backup elsewhere, though of the same label', () => {
    const backup = summary('a', '0/2000');
    const others = { startedAt: '2026-11-21T00:00:00.001Z', startLsn: '0/1000', stopLsn: '0/3000', startTimeline: 2, stopTimeline: 2 };
    for (const [key, value] of Object.entries(others)) {
      const other = { ...backup, [key]: value };
      expect(chooseParent(choices([backup], [other]), source, 1), key).toMatchObject({ reason: expect.stringMatching(/in common/) });
    }
    expect(chooseParent(choices([backup], [{ ...backup, finishedAt: '2026-11-21T00:00:09.000Z', storedBytes: 7 }]), source, 1)).toBe(
      backup,
    );
  });

  test('is none when there is none in common, none undamaged, none of this timeline or version, and the reason is said', () => {
    expect(chooseParent(choices([], []), source, 1)).toEqual({ reason: 'it is the first backup' });
    expect(chooseParent(choices([summary('a', '0/1')], [summary('b', '0/1')]), source, 1)).toMatchObject({
      reason: expect.stringMatching(/no backup in common/),
    });
    expect(chooseParent(choices([summary('a', '0/1', { damage: 'bad' })]), source, 1)).toEqual({
      reason: 'every earlier backup is damaged',
    });
    expect(chooseParent(choices([summary('a', '0/1')]), source, 2)).toEqual({ reason: 'no backup is of timeline 2' });
    expect(chooseParent(choices([summary('a', '0/1', { serverVersion: 170001 })]), source, 1)).toMatchObject({
      reason: expect.stringMatching(/another version/),
    });
  });
});

describe('how a backup is taken', () => {
  const parent = summary('a', '0/1');
  const hashed = summary('a', '0/1', { pageHashKey: 'ab'.repeat(32) });

  test.each([
    [{ wanted: 'incremental', parent, serverMajor: 18, summarizesWal: true, lacksChecksums: false }, 'blocks', 'incremental'],
    [{ wanted: 'incremental', parent, serverMajor: 18, summarizesWal: false, lacksChecksums: false }, 'everything', 'full'],
    [{ wanted: 'incremental', parent: hashed, serverMajor: 16, summarizesWal: false, lacksChecksums: false }, 'hashes', 'incremental'],
    [{ wanted: 'incremental', parent, serverMajor: 18, summarizesWal: true, lacksChecksums: true }, 'everything', 'full'],
    [{ wanted: 'incremental', parent: hashed, serverMajor: 18, summarizesWal: true, lacksChecksums: true }, 'hashes', 'incremental'],
    [{ wanted: 'incremental', parent, serverMajor: 18, summarizesWal: true, lacksChecksums: undefined }, 'everything', 'full'],
    [{ wanted: 'full', parent, serverMajor: 18, summarizesWal: true, lacksChecksums: false }, 'audit', 'full'],
    [{ wanted: 'full', parent: { reason: 'none' }, serverMajor: 18, summarizesWal: true, lacksChecksums: false }, 'everything', 'full'],
    [
      { wanted: 'incremental', parent: { reason: 'none' }, serverMajor: 18, summarizesWal: true, lacksChecksums: false },
      'everything',
      'full',
    ],
  ] as const)('%#: follows from what was asked for and what is there', (facts, mode, kind) => {
    const chosen = chooseMode(facts);
    expect(chosen.kind).toBe(mode);
    expect(kindOf(chosen)).toBe(kind);
  });

  test('without summaries of the WAL it is read whole, and compared where that is possible', () => {
    expect(withoutBlocks({ kind: 'blocks', parent }, 'gone')).toEqual({ kind: 'everything', reason: 'gone' });
    expect(withoutBlocks({ kind: 'blocks', parent: hashed }, 'gone')).toEqual({ kind: 'hashes', parent: hashed, reason: 'gone' });
  });

  test('pages of a standby are passed on with changed blocks, whoever sent those, and end where every page is read', () => {
    const [of, not, unknown] = [true, false, undefined].map((fromStandby) =>
      summary('p', '0/1000', fromStandby === undefined ? {} : { fromStandby }),
    );
    if (of === undefined || not === undefined || unknown === undefined) throw new Error('three are made');
    expect([of, not, unknown].map((parent) => mayHoldStandbyPages({ kind: 'blocks', parent }, false))).toEqual([true, false, undefined]);
    expect([of, not, unknown].map((parent) => mayHoldStandbyPages({ kind: 'blocks', parent }, true))).toEqual([true, true, true]);
    for (const isStandby of [true, false]) {
      expect(mayHoldStandbyPages({ kind: 'everything', reason: undefined }, isStandby)).toBe(isStandby);
      expect(mayHoldStandbyPages({ kind: 'audit', parent: of }, isStandby)).toBe(isStandby);
      expect(mayHoldStandbyPages({ kind: 'hashes', parent: of, reason: 'old' }, isStandby)).toBe(isStandby);
    }
  });
});

const RELATION = { blockBytes: 8192, relationSegmentBlocks: 131_072 };

describe('a file of changed blocks', () => {
  const head = (blocks: readonly number[], truncation: number): Buffer => {
    const bytes = Buffer.alloc(blocks.length === 0 ? 12 : 8192);
    bytes.writeUInt32LE(0xd3ae1f0d, 0);
    bytes.writeUInt32LE(blocks.length, 4);
    bytes.writeUInt32LE(truncation, 8);
    blocks.forEach((block, index) => bytes.writeUInt32LE(block, 12 + 4 * index));
    return bytes;
  };

  test('says which blocks follow and how long the file is once rebuilt', () => {
    const read = readIncrementalHead(head([2, 7], 5), RELATION, 'f');
    if (typeof read === 'number') throw new Error('it is whole');
    expect([...read.blocks]).toEqual([2, 7]);
    expect(read.dataOffset).toBe(8192);
    expect(rebuiltBlocks(read)).toBe(8);
    const empty = readIncrementalHead(head([], 5), RELATION, 'f');
    expect(empty).toMatchObject({ dataOffset: 12, truncationBlocks: 5 });
  });

  test('of a relation cut back to a length that ends in a later file is as long as a file of it can be', () => {
    // 3 GB vacuumed down to 2.5: early releases of 17 and 18 give the first of its files the length of the relation.
    for (const blocks of [[], [2, 131071]]) {
      const read = readIncrementalHead(head(blocks, 327_680), RELATION, 'f');
      if (typeof read === 'number') throw new Error('it is whole');
      expect(rebuiltBlocks(read)).toBe(131_072);
    }
    expect(() => readIncrementalHead(head([131_072], 5), RELATION, 'f')).toThrow(/beyond the end/);
    const many = head([], 5);
    many.writeUInt32LE(131_073, 4);
    expect(() => readIncrementalHead(many, RELATION, 'f')).toThrow(/beyond the end/);
  });

  const takeIn = async (...chunks: readonly Buffer[]): Promise<readonly TakenFile[]> => {
    const taken: TakenFile[] = [];
    const intake: Intake = {
      blobs: new BlobIntake(new BlobPipeline([]), [], 'mark'),
      ...RELATION,
      comparison: undefined,
      pageHashKey: undefined,
      onFile: (file) => void taken.push(file),
    };
    const sizeBytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const sink = new ContentSink(intake, true, { begin: () => undefined, progress: () => undefined });
    sink.entry({ path: 'base/5/INCREMENTAL.16384', type: 'file', sizeBytes, mode: 0o600, modifiedAt: 0, linkTarget: undefined }, undefined);
    for (const chunk of chunks) await sink.data(chunk);
    await sink.endEntry();
    return taken;
  };

  test('is taken in with that length', async () => {
    expect(await takeIn(head([], 327_680))).toMatchObject([{ path: 'base/5/16384', sizeBytes: 2 ** 30, taken: [] }]);
  });

  test('has nothing of the parent beyond the length that it had all the time', async () => {
    // Blocks of zeros need no room in a pack.
    const [file] = await takeIn(head([1, 6], 4), Buffer.alloc(2 * 8192));
    expect(file?.sizeBytes).toBe(7 * 8192);
    const parent = listOf([{ offset: 0, length: 10 * 8192, blob: -1, from: 0 }]);
    expect(arrayOf((put) => overlayExtents(parent, [], file?.taken ?? [], 7 * 8192, put))).toEqual([
      { offset: 0, length: 8192, blob: -1, from: 0 },
      { offset: 2 * 8192, length: 2 * 8192, blob: -1, from: 2 * 8192 },
    ]);
  });

  test('asks for more bytes when its head is cut, and refuses another magic and disorder', () => {
    expect(readIncrementalHead(head([1], 1).subarray(0, 11), RELATION, 'f')).toBe(12);
    expect(readIncrementalHead(head([1], 1).subarray(0, 100), RELATION, 'f')).toBe(8192);
    expect(() => readIncrementalHead(Buffer.alloc(12), RELATION, 'f')).toThrow(/does not begin/);
    expect(() => readIncrementalHead(head([3, 3], 1), RELATION, 'f')).toThrow(/not in order/);
  });

  test('is told by its name', () => {
    expect(isIncrementalPath('base/5/INCREMENTAL.1259')).toBe(true);
    expect(isIncrementalPath('INCREMENTAL.5/1259')).toBe(false);
    expect(pathOfIncremental('base/5/INCREMENTAL.1259')).toBe('base/5/1259');
  });
});

describe('page hashes', () => {
  test('tell the pages that changed and those that are new', () => {
    const key = Buffer.alloc(32, 7);
    const old = Buffer.alloc(8192 * 4, 1);
    const now = Buffer.concat([old, Buffer.alloc(100, 2)]);
    now[8192 * 2 + 5] = 9;
    expect(changedStretches(0, now.byteLength, hashPages(key, now), hashPages(key, old))).toEqual([
      { start: 16384, end: 24576 },
      { start: 32768, end: 32868 },
    ]);
    expect(hashPages(Buffer.alloc(32, 8), old).equals(hashPages(key, old))).toBe(false);
  });
});

describe('the audit', () => {
  const ZEROS = Buffer.alloc(8192);
  const page = (lsn: bigint, fill: number): Buffer => {
    const bytes = Buffer.alloc(8192);
    bytes.writeUInt32LE(Number(lsn >> 32n), 0);
    bytes.writeUInt32LE(Number(lsn & 0xffffffffn), 4);
    bytes.writeUInt16LE(28, 12);
    bytes.writeUInt16LE(8100, 14);
    bytes.writeUInt16LE(8192, 16);
    // One line pointer: a normal tuple of 60 bytes at 8100.
    bytes.writeUInt32LE((8100 | (1 << 15) | (60 << 17)) >>> 0, 24);
    bytes.fill(fill, 8124, 8160);
    return bytes;
  };
  const pair = {
    parent: { startLsn: '0/1000', stopLsn: '0/1800', fromStandby: false, hintsUnlogged: false },
    startLsn: 0x2000n,
    isStandby: false,
    hintsUnlogged: false,
  };
  const rules = auditRules(pair);
  const lenient = auditRules({ ...pair, hintsUnlogged: true });
  const crossed = auditRules({ ...pair, isStandby: true });

  test('takes a newer page as it is, and one of which nothing was ever logged for what its file is: LSN 0, of GiST 1; what had an LSN does not lose it', () => {
    expect(judgePage(page(0x1000n, 1), page(0x10n, 2), rules)).toBe('newer');
    for (const before of [page(0n, 2), page(1n, 2), ZEROS]) expect(judgePage(page(1n, 1), before, rules)).toBe('unlogged');
    expect(judgePage(page(0n, 1), page(0x10n, 2), rules)).toBe('mismatch');
  });

  test('holds a page that became zeros against what lies behind it: a cut of VACUUM leaves nothing there that is older', () => {
    expect(judgePage(ZEROS, page(0x10n, 2), rules)).toBe('emptied');
    const emptied = new EmptiedPages();
    const add = (...blocks: readonly number[]): void => blocks.forEach((block) => emptied.add(block));
    add(3, 4);
    // Of a relation that grew again: written since, zeros, or made ready and not logged.
    for (const each of [page(0x1000n, 1), ZEROS, page(0n, 1), page(1n, 1)]) expect(emptied.shownBy(each, false, rules)).toEqual([]);
    add(9);
    // Nor where it is not known what was cut off before.
    const unasked = auditRules({ ...pair, parent: { ...pair.parent, cutsUnknownSince: '0/500' } });
    expect(emptied.shownBy(page(0x500n, 1), true, unasked)).toEqual([]);
    expect([1, 2].map(() => emptied.shownBy(page(0xfffn, 1), true, rules))).toEqual([[3, 4, 9], []]);
    add(7);
    // Nothing was ever logged of it, and it is as it was: content that was cut off comes back with an LSN.
    expect([ZEROS, page(0n, 1)].map((each) => emptied.shownBy(each, true, rules))).toEqual([[], [7]]);
    add(5);
    emptied.clear();
    expect(emptied.shownBy(page(0xfffn, 1), true, rules)).toEqual([]);
  });

  test('calls an old page that differs a mismatch, and one that differs in hints only where hints are not logged benign', () => {
    const hinted = page(0xfffn, 1);
    hinted.writeUInt16LE(0x0100, 8100 + 20);
    hinted.writeUInt16LE(4, 10);
    hinted.writeUInt32LE(77, 20);
    expect(judgePage(hinted, page(0xfffn, 1), lenient)).toBe('benign');
    expect(judgePage(hinted, page(0xfffn, 1), rules)).toBe('mismatch');
    expect(judgePage(hinted, page(0xfffn, 1), crossed)).toBe('benign');
    for (const each of [rules, lenient, crossed]) expect(judgePage(page(0xfffn, 1), page(0xfffn, 2), each)).toBe('mismatch');
  });

  test('does not look at the bytes between line pointers and tuples, nor at the checksum, which is over them', () => {
    const used = page(0xfffn, 1);
    used.fill(9, 28, 8100);
    used.writeUInt16LE(0xbeef, 8);
    expect(judgePage(used, page(0xfffn, 1), rules)).toBe('benign');
    const beyond = page(0xfffn, 1);
    beyond.fill(9, 28, 8101);
    expect(judgePage(beyond, page(0xfffn, 1), rules)).toBe('mismatch');
  });

  test('between primary and standby does not look at what replay makes otherwise; within one server it does', () => {
    const command = page(0xfffn, 1);
    command.writeUInt32LE(39, 8100 + 8);
    command.writeUInt16LE(0x0020, 8100 + 20);
    command.fill(7, 8160, 8164);
    expect(judgePage(command, page(0xfffn, 1), crossed)).toBe('benign');
    expect(judgePage(command, page(0xfffn, 1), lenient)).toBe('mismatch');
    const sequence = (value: number): Buffer => {
      const bytes = page(0xfffn, value);
      bytes.writeUInt16LE(8184, 16);
      bytes.writeUInt32LE(0x1717, 8184);
      return bytes;
    };
    expect(judgePage(sequence(5), sequence(37), crossed)).toBe('benign');
    expect(judgePage(sequence(5), sequence(37), lenient)).toBe('mismatch');
    expect(judgePage(page(0xfffn, 5), sequence(5), crossed)).toBe('mismatch');
  });

  test('does not look at what is a cache, nor at a page that was made ready and not used, nor across servers at one that GIN deleted', () => {
    const special = (fill: number, words: readonly number[]): Buffer => {
      const bytes = page(0xfffn, fill);
      bytes.writeUInt16LE(8184, 16);
      words.forEach((word, n) => bytes.writeUInt16LE(word, 8184 + 2 * n));
      return bytes;
    };
    const spgist = (flags: number, fill: number): Buffer => special(fill, [flags, 0, 0, 0xff82]);
    expect(judgePage(spgist(1, 1), spgist(1, 2), rules)).toBe('benign');
    expect(judgePage(spgist(4, 1), spgist(4, 2), crossed)).toBe('mismatch');
    const gin = (flags: number, fill: number): Buffer => special(fill, [1, 0, 0, flags]);
    expect(judgePage(gin(4, 1), gin(4, 2), crossed)).toBe('benign');
    expect(judgePage(gin(4, 1), gin(4, 2), rules)).toBe('mismatch');
    expect(judgePage(gin(2, 1), gin(2, 2), crossed)).toBe('mismatch');
    const ready = Buffer.alloc(8192);
    ready.writeUInt16LE(24, 12);
    ready.writeUInt16LE(8192, 14);
    ready.writeUInt16LE(8192, 16);
    expect(judgePage(ready, Buffer.alloc(8192), rules)).toBe('benign');
    expect(judgePage(ZEROS, ready, rules)).toBe('benign');
    expect(judgePage(ready, page(0xfffn, 1), rules)).toBe('mismatch');
  });

  test('masks hints where they were not logged at either end, or nobody noted whether they were', () => {
    const { hintsUnlogged, ...unknown } = pair.parent;
    const parents = [pair.parent, { ...unknown, hintsUnlogged: true }, unknown];
    expect(parents.map((parent) => auditRules({ ...pair, parent }).unlogged)).toEqual([hintsUnlogged ? 'hints' : 'hole', 'hints', 'hints']);
  });

  test('is as for two servers where the one compared with is of a standby, or nobody noted of what', () => {
    expect(auditRules({ ...pair, parent: { ...pair.parent, fromStandby: true } }).unlogged).toBe('replay');
    expect(auditRules({ ...pair, parent: { startLsn: '0/1000', stopLsn: '0/1800' } }).unlogged).toBe('replay');
    expect([rules.unlogged, lenient.unlogged]).toEqual(['hole', 'hints']);
  });

  test('of a backup that begins before the one compared with says nothing of what came between', () => {
    const lagging = auditRules({ ...pair, startLsn: 0x800n, isStandby: true });
    expect(judgePage(page(0x700n, 1), page(0x900n, 2), lagging)).toBe('newer');
    expect(judgePage(page(0x900n, 1), page(0x700n, 2), lagging)).toBe('newer');
    expect(judgePage(page(0x700n, 1), Buffer.alloc(8192), lagging)).toBe('newer');
    expect(judgePage(ZEROS, page(0x700n, 1), lagging)).toBe('newer');
    expect(judgePage(page(0x700n, 1), page(0x600n, 2), lagging)).toBe('mismatch');
    // Nor where it begins before that one ended: pages of it were read later.
    const between = auditRules({ ...pair, startLsn: 0x1100n, isStandby: true });
    expect(judgePage(page(0x700n, 1), page(0x1200n, 2), between)).toBe('newer');
    expect(judgePage(page(0x700n, 1), page(0x600n, 2), between)).toBe('mismatch');
    // A page that went back, where nothing explains it: a write that was lost.
    expect(judgePage(page(0x700n, 1), page(0x1900n, 2), rules)).toBe('mismatch');
  });

  test('looks at main and initial forks of relations, not at maps nor at other files', () => {
    expect(['base/5/1259', 'base/5/1259.2', 'base/5/1259_init', 'global/1262', 'pg_tblspc/1/PG_18_1/5/16400'].every(isAudited)).toBe(true);
    expect(['base/5/1259_fsm', 'base/5/1259_vm', 'global/pg_control', 'pg_xact/0000', 'base/5/pg_filenode.map'].some(isAudited)).toBe(
      false,
    );
  });
});

describe('file names', () => {
  test('of any bytes come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        expect(encodePath(decodePath(bytes)).equals(Buffer.from(bytes))).toBe(true);
      }),
      { seed: 20261121, numRuns: 2000 },
    );
    expect(decodePath(Buffer.from('é'))).toBe('é');
    expect(decodePath(Buffer.from([0x66, 0xe9, 0x67])).isWellFormed()).toBe(false);
  });
});
