import { describe, expect, test } from 'vitest';
import type { LineageContents } from '../../../src/backup/lineage-inspect.ts';
import { NONE_BROKEN } from '../../../src/backup/broken.ts';
import { resolveFromWhole, type BackupWish } from '../../../src/backup/restore/choose-backup.ts';
import type { Resolution } from '../../../src/backup/restore/resolve.ts';
import type { RestoreTarget } from '../../../src/backup/restore/target.ts';
import { describeSuspicion, isTrusted, suspicionsOf, type Suspicions } from '../../../src/backup/suspicion.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';
import type { AuditFinding } from '../../../src/repository/audit-findings.ts';
import type { AuditReport, BackupSummary } from '../../../src/repository/manifest.ts';
import { summaryOf } from '../../backup/small-backups.ts';

function at(n: number, label: string, parts: Partial<BackupSummary> = {}): BackupSummary {
  const lsn = formatLsn(BigInt(Math.round(n * 0x1000)));
  return summaryOf(label, { startLsn: lsn, stopLsn: lsn, ...parts });
}
const full = (n: number, label: string, audit: AuditReport | null = null): BackupSummary =>
  at(n, label, { kind: 'full', parent: null, audit });
const incremental = (n: number, label: string, parent: string): BackupSummary => at(n, label, { kind: 'incremental', parent });
const audit = (comparedWith: string, pages = 1): AuditReport => ({
  comparedWith,
  pages: 9,
  benign: 0,
  mismatches: Array.from({ length: pages }, (_, block) => ({ path: 'base/5/1', block })),
});

/** A full one, another that is clean, two on it, the full one whose audit finds pages, one on that, and a full one that is clean again. */
const LIFE = [
  full(1, 'F0'),
  full(2, 'F1', audit('F0', 0)),
  incremental(3, 'I1', 'F1'),
  incremental(4, 'I2', 'I1'),
  full(5, 'F2', audit('I2', 3)),
  incremental(6, 'I3', 'F2'),
  full(7, 'F3', audit('I3', 0)),
];
const finding = (sound: AuditFinding['sound'], wrong: readonly string[], label = 'F2'): AuditFinding => ({
  label,
  name: 'x',
  sound,
  wrong,
  reason: 'looked',
  placedAt: new Date(0),
  by: 'a@b',
});
const kinds = ({ byLabel }: Suspicions): Readonly<Record<string, string>> =>
  Object.fromEntries([...byLabel].map(([label, { kind }]) => [label, kind]));

describe('a mismatch that an audit found', () => {
  test('makes suspect what was compared, the audited one and what came after it, though a later audit finds nothing', () => {
    const suspicions = suspicionsOf(LIFE, []);
    expect(kinds(suspicions)).toEqual({ F1: 'earlier', I1: 'earlier', I2: 'earlier', F2: 'audited', I3: 'later', F3: 'later' });
    const found = { pages: 3, emptied: 0, isClusterWrong: false };
    expect(suspicions.open).toEqual([{ audit: 'F2', comparedWith: 'I2', ...found, earlier: ['F1', 'I1', 'I2'], later: ['I3', 'F3'] }]);
  });

  test('reaches those that share the full one they were pieced together from, also where that is gone', () => {
    const branch = [...LIFE.slice(2, 4), incremental(4.5, 'I2b', 'I1'), incremental(4.6, 'other', 'gone'), ...LIFE.slice(4, 5)];
    expect(kinds(suspicionsOf(branch, []))).toEqual({ I1: 'earlier', I2: 'earlier', I2b: 'earlier', F2: 'audited' });
  });

  test('reaches the full one where what lies between is gone, if the backups say where they began', () => {
    const noted = LIFE.map((each) => (each.kind === 'incremental' && each.label !== 'I3' ? { ...each, root: 'F1' } : each));
    const thinned = noted.filter(({ label }) => label !== 'I1');
    expect(kinds(suspicionsOf(thinned, []))).toEqual({ F1: 'earlier', I2: 'earlier', F2: 'audited', I3: 'later', F3: 'later' });
    const between = [...thinned.slice(0, 2), { ...incremental(4.5, 'I2b', 'gone'), root: 'F1' }, ...thinned.slice(2, 4)];
    expect(kinds(suspicionsOf(between, []))).toEqual({ F1: 'earlier', I2: 'earlier', I2b: 'earlier', F2: 'audited' });
    expect(kinds(suspicionsOf(between.slice(2), []))).toEqual({ I2: 'earlier', I2b: 'earlier', F2: 'audited' });
  });

  test('is found where manifests name each other, which anybody can write', () => {
    const ring = [...LIFE.slice(0, 4), incremental(4.5, 'R1', 'R2'), incremental(4.6, 'R2', 'R1'), ...LIFE.slice(4, 5)];
    expect(kinds(suspicionsOf(ring, []))).toEqual({ F1: 'earlier', I1: 'earlier', I2: 'earlier', F2: 'audited' });
  });

  test('leaves alone what another timeline has that does not come of the audited one', () => {
    const promoted = at(8, 'P', { kind: 'full', parent: null, startTimeline: 2, stopTimeline: 2 });
    const built = at(9, 'B', { kind: 'incremental', parent: 'I3', startTimeline: 2, stopTimeline: 2 });
    expect(kinds(suspicionsOf([...LIFE, promoted, built], []))).toMatchObject({ B: 'later' });
    expect(suspicionsOf([...LIFE, promoted], []).byLabel.has('P')).toBe(false);
  });

  test('is over when somebody says which side is wrong, and that side stays wrong when the audited one is gone', () => {
    const earlier = finding('audited', ['F1', 'I1', 'I2']);
    expect(suspicionsOf(LIFE, [earlier]).open).toEqual([]);
    expect(kinds(suspicionsOf(LIFE, [earlier]))).toEqual({ F1: 'wrong', I1: 'wrong', I2: 'wrong' });
    expect(kinds(suspicionsOf(LIFE.slice(0, 4), [earlier]))).toEqual({ F1: 'wrong', I1: 'wrong', I2: 'wrong' });
    const later = suspicionsOf(LIFE, [finding('earlier', ['F2', 'I3', 'F3'])]);
    expect(kinds(later)).toEqual({ F2: 'wrong', I3: 'wrong', F3: 'wrong' });
    expect(['I2', 'I3'].map((label) => isTrusted(later.byLabel.get(label)))).toEqual([true, false]);
  });

  test('is wrong too what was being taken while somebody said so, and nothing that began later', () => {
    const [early, late] = ['2026-11-21T02:00:00.000Z', '2026-11-21T03:00:00.000Z'];
    const said: AuditFinding = {
      ...finding('earlier', ['F2']),
      began: { timeline: 1, lsn: LIFE[4]?.startLsn ?? '' },
      placedAt: new Date('2026-11-21T02:30:00Z'),
    };
    const built = { ...incremental(6, 'I3', 'F2'), startedAt: early };
    const further = { ...incremental(6.5, 'I4', 'I3'), startedAt: late };
    const same = { ...full(7, 'F3', audit('F2', 0)), startedAt: late };
    const alone = { ...full(8, 'F4'), startedAt: early };
    const mended = [
      { ...incremental(9, 'I5', 'I2'), startedAt: late },
      { ...full(10, 'F5', audit('I5', 0)), startedAt: late },
      { ...full(4.5, 'F1b'), startedAt: early },
      { ...full(8.5, 'P', audit('I2', 0)), startedAt: early, stopTimeline: 2 },
      { ...full(11, 'F6', audit('F4', 2)), startedAt: late },
    ];
    const wrong = { F2: 'wrong', I3: 'wrong', I4: 'wrong', F3: 'wrong', F4: 'wrong' };
    const taken = [...LIFE.slice(0, 5), built, further, same, alone, ...mended];
    expect(kinds(suspicionsOf(taken.slice(0, -1), [said]))).toEqual(wrong);
    // Each of them may outlive the audited one.
    expect(kinds(suspicionsOf([...taken.slice(0, 4), ...taken.slice(5, -1)], [said]))).toEqual(wrong);
    // What differs from a wrong one is looked at on its own.
    expect(kinds(suspicionsOf(taken, [said]))).toEqual({ ...wrong, F6: 'audited' });
  });

  test('with the earlier ones wrong is wrong what is still built on one of them, and no full one', () => {
    const said = { ...finding('audited', ['F1', 'I1', 'I2']), placedAt: new Date('2026-11-22T00:00:00Z') };
    const meanwhile = [incremental(5.5, 'I2b', 'I2'), full(6, 'F3', audit('I2', 0)), full(7, 'F4')];
    expect(kinds(suspicionsOf([...LIFE.slice(0, 5), ...meanwhile], [said]))).toEqual({
      F1: 'wrong',
      I1: 'wrong',
      I2: 'wrong',
      I2b: 'wrong',
    });
  });

  test('of an incremental one reaches what was built on it as later, and it is not wrong with what it was built on', () => {
    const found = { ...incremental(4, 'I2', 'I1'), audit: audit('I1', 2) };
    const clean = { ...incremental(5, 'I3', 'I2'), audit: audit('I2', 0) };
    const life = [full(2, 'F1'), incremental(3, 'I1', 'F1'), found, clean, full(6, 'F2', audit('I3', 0))];
    expect(suspicionsOf(life, []).open).toMatchObject([
      { audit: 'I2', comparedWith: 'I1', pages: 2, earlier: ['F1', 'I1'], later: ['I3', 'F2'] },
    ]);
    expect(kinds(suspicionsOf(life, []))).toEqual({ F1: 'earlier', I1: 'earlier', I2: 'audited', I3: 'later', F2: 'later' });
    expect(kinds(suspicionsOf(life, [finding('audited', ['F1', 'I1'], 'I2')]))).toEqual({ F1: 'wrong', I1: 'wrong' });
    const mended = { ...incremental(7, 'I4', 'I1'), audit: audit('I1', 0) };
    const wrong = { I2: 'wrong', I3: 'wrong', F2: 'wrong' };
    expect(kinds(suspicionsOf([...life, mended], [finding('earlier', ['I2', 'I3', 'F2'], 'I2')]))).toEqual(wrong);
  });

  test('of a backup in which the server found damaged pages casts no doubt on others: it is the wrong one', () => {
    const damaged = { ...full(5, 'F2', audit('I2', 3)), damage: 'checksum verification failed' };
    expect(suspicionsOf([...LIFE.slice(0, 4), damaged], [])).toMatchObject({ open: [], byLabel: new Map() });
  });

  test('of pages that were emptied is told of each backup as the cluster’s doing, where that is known', () => {
    const emptied = { ...audit('I2', 3), mismatches: [{ path: 'base/5/1', block: 7, emptied: true as const }] };
    const told = (cutsKnown: Partial<BackupSummary>): readonly string[] => {
      const parent = { ...incremental(4, 'I2', 'I1'), ...cutsKnown };
      const life = [...LIFE.slice(1, 3), parent, full(5, 'F2', emptied), ...LIFE.slice(5)];
      const { open, byLabel } = suspicionsOf(life, []);
      expect(open).toMatchObject([{ pages: 1, emptied: 1, isClusterWrong: cutsKnown.cutsKnown === true }]);
      return [...byLabel.values()].map(describeSuspicion);
    };
    expect(told({ cutsKnown: true })).toEqual(
      Array.from({ length: 6 }, () => expect.stringMatching(/: the cluster is wrong, .* \(emptied\)/) as string),
    );
    expect(told({})).toEqual(
      Array.from({ length: 6 }, () => expect.stringMatching(/either .*; 1 of them is all zeros now \(emptied\)/) as string),
    );
  });
});

describe('a restore', () => {
  /** A way from the newest of `backups` whose WAL reaches as far as the first argument says. */
  const resolver =
    (reach: Readonly<Record<string, number>>) =>
    async (backups: readonly BackupSummary[]): Promise<Resolution> => {
      const backup = backups.findLast(({ label }) => reach[label] !== undefined);
      if (backup === undefined) throw new DbadminError('target-unreachable', 'not there');
      return await Promise.resolve({ backup, neededUntil: BigInt(reach[backup.label] ?? 0) } as unknown as Resolution);
    };
  const contents = { backups: LIFE, suspicions: suspicionsOf(LIFE, []) } as unknown as LineageContents;
  const wish = (target: RestoreTarget, parts: Partial<BackupWish> = {}): BackupWish => ({
    target,
    backup: undefined,
    acceptsSuspect: false,
    broken: NONE_BROKEN,
    ...parts,
  });
  const TIME: RestoreTarget = { kind: 'time', at: new Date(0) };
  const all = { F0: 9, F1: 9, I1: 9, I2: 9, F2: 9, I3: 9, F3: 9 };
  const chosen = async (parts: Partial<BackupWish> & { readonly target: RestoreTarget }, reach: Readonly<Record<string, number>>) =>
    (await resolveFromWhole(contents, { ...wish(parts.target), ...parts }, resolver(reach))).backup.label;

  test('takes a backup that no audit casts doubt on, though an older one needs more WAL', async () => {
    expect(await chosen({ target: TIME }, all)).toBe('F0');
    expect(await chosen({ target: { kind: 'lsn', lsn: parseLsn('0/9000') } }, all)).toBe('F0');
    expect(await chosen({ target: { kind: 'latest' } }, all)).toBe('F0');
  });

  test('takes a suspect one only on request, and never an older end of the WAL for the latest', async () => {
    const { F0, ...without } = all;
    expect(F0).toBe(9);
    await expect(chosen({ target: TIME }, without)).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringMatching(/--sound audited, earlier or both .*--accept-suspect/),
    });
    await expect(chosen({ target: { kind: 'latest' } }, { ...all, F0: 8 })).rejects.toMatchObject({ code: 'refused' });
    await expect(chosen({ target: { kind: 'immediate' } }, all)).rejects.toMatchObject({ code: 'refused' });
    expect(await chosen({ target: TIME, acceptsSuspect: true }, without)).toBe('F3');
    expect(await chosen({ target: { kind: 'latest' }, acceptsSuspect: true }, { ...all, F0: 8 })).toBe('F3');
    expect(await chosen({ target: { kind: 'immediate' }, acceptsSuspect: true }, all)).toBe('F3');
    expect(await chosen({ target: TIME, backup: 'I2' }, all)).toBe('I2');
  });

  test('takes one that no verification found broken, though an older one needs more WAL, and a broken one where no other leads there', async () => {
    const sound = [full(1, 'A'), full(2, 'B'), full(3, 'C')];
    const of = { backups: sound, suspicions: suspicionsOf(sound, []) } as unknown as LineageContents;
    const broken = new Map([['C', 'V1']]);
    const from = async (target: RestoreTarget, reach: Readonly<Record<string, number>>, parts: Partial<BackupWish> = {}) =>
      (await resolveFromWhole(of, { ...wish(target, { broken }), ...parts }, resolver(reach))).backup.label;
    const LATEST: RestoreTarget = { kind: 'latest' };
    for (const target of [TIME, LATEST]) expect(await from(target, { A: 9, B: 9, C: 9 })).toBe('B');
    expect(await from(TIME, { C: 9 })).toBe('C');
    // WAL is missing between the two.
    expect(await from(LATEST, { A: 8, B: 8, C: 9 })).toBe('C');
    // And what is behind that may have the name, too, or the number.
    const several = async (backups: readonly BackupSummary[]): Promise<Resolution> => {
      if (backups.some(({ label }) => label === 'C')) throw new DbadminError('target-unreachable', 'several of that name');
      return await resolver({ B: 8 })(backups);
    };
    const named = wish({ kind: 'name', name: 'p' }, { broken });
    await expect(resolveFromWhole(of, named, several)).rejects.toThrow('several of that name');
    expect(await from(named.target, { A: 9, B: 9, C: 9 })).toBe('B');
    expect(await from({ kind: 'xid', xid: '7' }, { A: 8, B: 8, C: 9 })).toBe('C');
    // Its end is asked for, or itself.
    expect(await from({ kind: 'immediate' }, { A: 9, B: 9, C: 9 })).toBe('C');
    expect(await from(TIME, { A: 9, B: 9, C: 9 }, { backup: 'C' })).toBe('C');
    expect(await from(TIME, { A: 9, B: 9, C: 9 }, { broken: new Map(sound.map(({ label }) => [label, 'V1'])) })).toBe('C');
    const lost = async (backups: readonly BackupSummary[]): Promise<Resolution> => {
      if (!backups.some(({ label }) => label === 'C')) throw new DbadminError('wal-invalid', 'damaged on the way');
      return await resolver({ C: 9 })(backups);
    };
    expect((await resolveFromWhole(of, wish(TIME, { broken }), lost)).backup.label).toBe('C');
  });

  test('says what stands in the way of a target that none reaches', async () => {
    await expect(chosen({ target: TIME }, {})).rejects.toMatchObject({ code: 'target-unreachable' });
  });
});
