import { describe, expect, test } from 'vitest';
import type { TakeMode } from '../../../src/backup/take/mode.ts';
import { afterFailure, RestsOnDamage } from '../../../src/backup/take/next-attempt.ts';
import { isListed, listedInError, relationKey, withCuts, type CutFiles } from '../../../src/backup/take/parent-listing.ts';
import { ShortenedMeanwhile, ShortenedUnanswered, SummariesGone } from '../../../src/backup/take/shortened-relations-inspect.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';

const SEGMENT_BLOCKS = 131_072;

function facts(cuts: Readonly<Record<string, number>>): CutFiles {
  const each = Object.entries(cuts).map(([relation, blocks]) => ({ relation, blocks }));
  return withCuts(new Map(), each, SEGMENT_BLOCKS);
}

describe('the server is told what the parent has', () => {
  test('but of no visibility map: it sends those whole', () => {
    const nothing = facts({});
    const maps = ['base/5/1259_vm', 'base/5/16384_vm.1', 'global/1260_vm', 'pg_tblspc/16400/PG_18_202506291/5/16384_vm'];
    expect(maps.filter((path) => isListed(path, nothing))).toEqual([]);
    const others = ['base/5/1259', 'base/5/1259.1', 'base/5/1259_fsm', 'base/5/16384_init', 'base/5/a_vm', 'pg_xact/0000', 'x_vm'];
    expect(others.filter((path) => !isListed(path, nothing))).toEqual([]);
  });

  test('but not of the file in which a relation ended when it was cut back: those before and after are listed', () => {
    const known = facts({ [relationKey('1663', '5', '16384')]: 131_072 + 7 });
    const files = ['', '.1', '.2', '_fsm'].map((end) => `base/5/16384${end}`);
    expect(files.filter((path) => !isListed(path, known))).toEqual(['base/5/16384.1']);
    expect(isListed('base/6/16384.1', known)).toBe(true);
    expect(isListed('pg_tblspc/16400/PG_18_202506291/5/16384.1', known)).toBe(true);
  });

  test('nor of the file of any other cut: the server does not know of the least one where it came before the parent', () => {
    const relation = relationKey('1663', '5', '16384');
    const earlier = withCuts(new Map(), [{ relation, blocks: 50 }], SEGMENT_BLOCKS);
    const both = withCuts(earlier, [{ relation, blocks: 140_000 }], SEGMENT_BLOCKS);
    const files = ['', '.1', '.2'].map((end) => `base/5/16384${end}`);
    expect(files.filter((path) => !isListed(path, earlier))).toEqual(['base/5/16384']);
    expect(files.filter((path) => !isListed(path, both))).toEqual(['base/5/16384', 'base/5/16384.1']);
    expect(listedInError(files, earlier, both)).toEqual(['base/5/16384.1']);
  });

  test('wherever the relation lies: in a tablespace, or shared by all databases', () => {
    const known = facts({ [relationKey('16400', '5', '16384')]: 3, [relationKey('1664', '0', '1260')]: 2 });
    expect(isListed('pg_tblspc/16400/PG_18_202506291/5/16384', known)).toBe(false);
    expect(isListed('pg_tblspc/16401/PG_18_202506291/5/16384', known)).toBe(true);
    expect(isListed('global/1260', known)).toBe(false);
    expect(isListed('base/0/1260', known)).toBe(true);
  });

  test('a length that fills files exactly leaves nothing to mistrust in the full ones', () => {
    const known = facts({ [relationKey('1663', '5', '16384')]: 131_072 });
    expect(isListed('base/5/16384', known)).toBe(true);
  });

  test('files that it should not have been told of are those that were listed and would not be now', () => {
    const paths = ['base/5/1', 'base/5/2', 'base/5/2.1', 'base/5/3_vm'];
    const before = facts({ [relationKey('1663', '5', '1')]: 9 });
    expect(listedInError(paths, before, before)).toEqual([]);
    const now = facts({ [relationKey('1663', '5', '1')]: 4, [relationKey('1663', '5', '2')]: 9 });
    expect(listedInError(paths, before, now)).toEqual(['base/5/2']);
  });
});

describe('after an attempt that failed', () => {
  const parent = { label: 'p', pageHashKey: null } as unknown as BackupSummary;
  const blocks: TakeMode = { kind: 'blocks', parent };
  const meanwhile = new ShortenedMeanwhile(['base/5/1', 'base/5/2']);

  test('since a relation was cut back before it began, the backup begins anew; not for ever', () => {
    expect(afterFailure(blocks, meanwhile, 1, false)).toMatchObject({ mode: blocks });
    expect(afterFailure(blocks, meanwhile, 3, false)).toMatchObject({ mode: blocks });
    expect(afterFailure(blocks, meanwhile, 4, false)).toMatchObject({
      mode: { kind: 'everything', reason: expect.stringMatching(/before each of 4 attempts/) as string },
    });
    expect(meanwhile.message).toBe('VACUUM cut the relation of base/5/1 back before the backup began, and 1 more like it');
  });

  test('everything is read when the server did not say what was cut back, or what changed', () => {
    // What the server says of its own answer is not taken for the lack of summaries.
    for (const error of [new ShortenedUnanswered(new Error('canceled')), Object.assign(new Error('no summaries'), { code: '55000' })])
      expect(afterFailure(blocks, error, 1, false)?.mode).toMatchObject({ kind: 'everything' });
    const hashed: TakeMode = { kind: 'blocks', parent: { ...parent, pageHashKey: '00' } };
    expect(afterFailure(hashed, new ShortenedUnanswered(new Error('canceled')), 1, false)?.mode.kind).toBe('hashes');
  });

  test('everything is read when the summaries do not go back to where nothing is known: no later backup could ask either', () => {
    expect(afterFailure(blocks, new SummariesGone(0x3000028n), 1, false)).toEqual({
      mode: { kind: 'everything', reason: 'the server of the ordinary connection has no WAL summaries back to 0/3000028' },
      note: 'the server of the ordinary connection has no WAL summaries back to 0/3000028; reading everything',
    });
  });

  test('any other failure is that of the backup', () => {
    expect(afterFailure(blocks, new Error('disk full'), 1, false)).toBeUndefined();
    expect(afterFailure({ kind: 'audit', parent }, meanwhile, 1, false)).toBeUndefined();
  });

  test('a backup that would rest on damage is read whole, and again while that finds more, but not for ever', () => {
    const damage = new RestsOnDamage('20261121T203001Z-incr', ['local']);
    expect(afterFailure(blocks, damage, 1, true)?.mode).toEqual({ kind: 'audit', parent });
    expect(afterFailure({ kind: 'audit', parent }, damage, 2, true)?.mode).toEqual({ kind: 'audit', parent });
    expect(afterFailure({ kind: 'everything', reason: undefined }, damage, 3, true)?.mode.kind).toBe('everything');
    expect(afterFailure({ kind: 'audit', parent }, damage, 4, true)).toBeUndefined();
  });

  test('once the server has begun to send, nothing follows: the same code says then that a standby was promoted', () => {
    const refused = Object.assign(new Error('the standby was promoted during online backup'), { code: '55000' });
    expect(afterFailure(blocks, refused, 1, true)).toBeUndefined();
    expect(afterFailure(blocks, refused, 1, false)?.mode.kind).toBe('everything');
  });
});
