import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brokenBackups, NONE_BROKEN } from '../../../../src/backup/broken.ts';
import { planExpiry, type ExpiryState, type StoredBackup } from '../../../../src/backup/expire/plan.ts';
import { periodOf } from '../../../../src/backup/expire/periods.ts';
import { describeReason, type KeepReason, type Retention } from '../../../../src/backup/expire/retention.ts';
import { NO_SUSPICIONS, suspicionsOf } from '../../../../src/backup/suspicion.ts';
import { formatLsn } from '../../../../src/postgres/lsn.ts';
import { summaryOf } from '../../../backup/small-backups.ts';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-11-21T12:00:00Z');
const NOTHING: Retention = {
  windowMs: undefined,
  keep: { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
  minimum: 1,
  dumps: undefined,
  timeZone: 'UTC',
};

/** A backup that ended at `at`, the `n`th in the WAL. */
function backup(
  n: number,
  at: string | Date,
  parts: { readonly damaged?: boolean; readonly storedAt?: Date; readonly timeline?: number } = {},
): StoredBackup {
  const finishedAt = new Date(at);
  const lsn = BigInt(n) * 0x1000000n;
  const timeline = parts.timeline ?? 1;
  const summary = summaryOf(`b${n}`, {
    finishedAt: finishedAt.toISOString(),
    startLsn: formatLsn(lsn),
    stopLsn: formatLsn(lsn + 0x100n),
    damage: parts.damaged === true ? 'bad page' : null,
    startTimeline: timeline,
    stopTimeline: timeline,
  });
  return { summary, storedAt: parts.storedAt ?? finishedAt };
}

function stateOf(backups: readonly StoredBackup[], parts: Partial<ExpiryState> = {}): ExpiryState {
  return {
    backups,
    suspicions: NO_SUSPICIONS,
    broken: NONE_BROKEN,
    brokenDumps: NONE_BROKEN,
    dumps: [],
    holds: new Map(),
    lineages: [{ timeline: 1, history: [] }],
    now: NOW,
    storeNow: NOW,
    ...parts,
  };
}

/** The reasons' kinds by label; what goes has none. */
function kinds(state: ExpiryState, retention: Partial<Retention>): Readonly<Record<string, readonly KeepReason['kind'][]>> {
  const { backups } = planExpiry(state, { ...NOTHING, ...retention });
  return Object.fromEntries(backups.map(({ label, reasons }) => [label, reasons.map(({ kind }) => kind)]));
}

const daily = (days: number): readonly StoredBackup[] =>
  Array.from({ length: days }, (_, n) => backup(n + 1, new Date(NOW.getTime() - (days - n) * DAY_MS + 3_600_000)));

describe('planExpiry', () => {
  test('without any rule everything stays, and says so', () => {
    expect(kinds(stateOf(daily(2)), {})).toEqual({ b1: ['no-rule'], b2: ['minimum', 'no-rule'] });
  });

  test('the window keeps its backups and the one that it begins with', () => {
    expect(kinds(stateOf(daily(6)), { windowMs: 3 * DAY_MS })).toEqual({
      b1: [],
      b2: [],
      b3: ['window-start'],
      b4: ['window'],
      b5: ['window'],
      b6: ['window', 'minimum'],
    });
  });

  test('from a mismatch back nothing goes, both sides count for no rule, and what was found wrong is let go', () => {
    const backups = daily(6).map((each, n): StoredBackup => {
      const kind = n === 2 ? { kind: 'incremental', parent: 'b2' } : {};
      const audit = { comparedWith: 'b3', pages: 9, benign: 0, mismatches: [{ path: 'base/5/1', block: 7 }] };
      return { ...each, summary: { ...each.summary, ...kind, ...(n === 3 ? { audit } : {}) } as StoredBackup['summary'] };
    });
    const summaries = backups.map(({ summary }) => summary);
    const finding = { label: 'b4', name: 'x', reason: 'looked', placedAt: NOW, by: 'a@b' };
    const keep = { ...NOTHING.keep, last: 3 };
    expect(kinds(stateOf(backups, { suspicions: suspicionsOf(summaries, []) }), { keep })).toEqual({
      b1: ['last', 'audit'],
      b2: ['audit'],
      b3: ['audit'],
      b4: ['audit'],
      b5: ['last'],
      b6: ['last', 'minimum'],
    });
    const audited = suspicionsOf(summaries, [{ ...finding, sound: 'audited', wrong: ['b2', 'b3'] }]);
    expect(kinds(stateOf(backups, { suspicions: audited }), { keep })).toMatchObject({ b1: [], b2: [], b3: [], b4: ['last'] });
    const earlier = suspicionsOf(summaries, [{ ...finding, sound: 'earlier', wrong: ['b4', 'b5', 'b6'] }]);
    expect(kinds(stateOf(backups, { suspicions: earlier }), { keep })).toMatchObject({
      b1: ['last'],
      b3: ['last', 'minimum'],
      b4: ['newest-damaged'],
      b6: ['newest-damaged'],
    });
  });

  test('a damaged backup is not what the window begins with, counts for no rule, and goes when a sound one is newer', () => {
    const backups = [
      backup(1, '2026-11-01'),
      backup(2, '2026-11-02', { damaged: true }),
      backup(3, '2026-11-20'),
      backup(4, '2026-11-21', { damaged: true }),
    ];
    expect(kinds(stateOf(backups), { windowMs: 3 * DAY_MS, keep: { ...NOTHING.keep, last: 1 } })).toEqual({
      b1: ['window-start'],
      b2: [],
      b3: ['window', 'last', 'minimum'],
      b4: ['window', 'newest-damaged'],
    });
    expect(kinds(stateOf([backup(1, '2026-01-01', { damaged: true })]), { windowMs: DAY_MS })).toEqual({ b1: ['newest-damaged'] });
  });

  test('what a verification found broken counts for no rule, and stays as long as it would have', () => {
    const backups = daily(8);
    const broken = new Map<string, string>(['b3', 'b6', 'b7', 'b8'].map((label) => [label, 'v']));
    const keep = { ...NOTHING.keep, last: 3 };
    expect(kinds(stateOf(backups, { broken }), { keep })).toEqual({
      b1: [],
      b2: ['last'],
      b3: [],
      b4: ['last'],
      b5: ['last', 'minimum'],
      b6: ['last', 'newest-damaged'],
      b7: ['last', 'newest-damaged'],
      b8: ['last', 'minimum', 'newest-damaged'],
    });
    expect(kinds(stateOf(backups, { broken }), { windowMs: 2 * DAY_MS })).toMatchObject({
      b1: [],
      b5: ['window-start', 'minimum'],
      b6: ['window-start', 'newest-damaged'],
    });
  });

  test('no verification lets go of what would stay without it', () => {
    const count = fc.integer({ min: 0, max: 4 });
    const retentions = fc.record({
      windowMs: fc.option(fc.integer({ min: 0, max: 20 * DAY_MS }), { nil: undefined }),
      keep: fc.record({ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count }),
      minimum: fc.integer({ min: 1, max: 6 }),
      dumps: fc.constant(undefined),
      timeZone: fc.constant('UTC'),
    });
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 30 }), retentions, (drawn, retention) => {
        const backups = daily(drawn.length);
        const broken = new Map<string, string>(drawn.flatMap((is, n) => (is ? [[`b${n + 1}`, 'v'] as [string, string]] : [])));
        const staying = (state: ExpiryState): readonly string[] =>
          planExpiry(state, retention).backups.flatMap(({ label, reasons }) => (reasons.length > 0 ? [label] : []));
        const kept = staying(stateOf(backups, { broken }));
        expect(kept).toEqual(expect.arrayContaining([...staying(stateOf(backups))]));
        const whole = backups.filter(({ summary: { label } }) => !broken.has(label));
        // Whole ones are kept as if they were all there is.
        expect(kept).toEqual(expect.arrayContaining([...staying(stateOf(whole))]));
      }),
      { seed: 20261121, numRuns: 300 },
    );
  });

  test('a hold keeps what would go, with its reason', () => {
    const hold = { label: 'b1', name: 'x', reason: 'audit 2026', until: null, placedAt: NOW, by: 'a@b' };
    const { backups } = planExpiry(stateOf(daily(3), { holds: new Map([['b1', [hold]]]) }), {
      ...NOTHING,
      keep: { ...NOTHING.keep, last: 1 },
    });
    expect(backups.map(({ reasons }) => reasons.map(describeReason))).toEqual([
      ['held: audit 2026'],
      [],
      ['one of the last 1', 'the newest always stays'],
    ]);
  });

  test('of each day, week, month and year the newest stays, by the clocks of the zone', () => {
    // 18:45 UTC is 00:15 of the next day in Kolkata.
    const backups = [backup(1, '2026-11-19T18:15:00Z'), backup(2, '2026-11-19T18:45:00Z'), backup(3, '2026-11-20T18:15:00Z')];
    expect(kinds(stateOf(backups), { keep: { ...NOTHING.keep, daily: 2 }, timeZone: 'Asia/Kolkata' })).toEqual({
      b1: ['period'],
      b2: [],
      b3: ['period', 'minimum'],
    });
    expect(kinds(stateOf(backups), { keep: { ...NOTHING.keep, daily: 2 } })).toEqual({ b1: [], b2: ['period'], b3: ['period', 'minimum'] });
  });

  test('periods count those that have a backup, not those of the calendar', () => {
    const backups = [backup(1, '2020-05-05'), backup(2, '2023-01-01'), backup(3, '2026-02-01'), backup(4, '2026-10-31')];
    expect(kinds(stateOf(backups), { keep: { ...NOTHING.keep, yearly: 3 } })).toEqual({
      b1: ['period'],
      b2: ['period'],
      b3: [],
      b4: ['period', 'minimum'],
    });
  });

  test('after a failover the window begins on every timeline that it needs', () => {
    // Timeline 3 left timeline 1 before the backup on 2.
    const backups = [backup(1, '2026-11-01'), backup(5, '2026-11-05', { timeline: 2 }), backup(4, '2026-11-20', { timeline: 3 })];
    const lineages = [
      { timeline: 2, history: [{ timeline: 1, switchLsn: 0x4000000n, reason: '' }] },
      { timeline: 3, history: [{ timeline: 1, switchLsn: 0x2000000n, reason: '' }] },
    ];
    expect(kinds(stateOf(backups, { lineages }), { windowMs: 3 * DAY_MS })).toEqual({
      b1: ['window-start'],
      b5: ['window-start', 'minimum'],
      b4: ['window', 'minimum'],
    });
  });

  const ONE = { timeline: 1, history: [] };
  const TWO = { timeline: 2, history: [{ timeline: 1, switchLsn: 0x2800000n, reason: '' }] };
  const last = (count: number): Partial<Retention> => ({ keep: { ...NOTHING.keep, last: count } });

  test('a timeline that was left takes no places: what the older one goes on with counts from its first backup', () => {
    const left = [11, 12, 13].map((day, n) => backup(n + 3, `2026-11-${day}`, { timeline: 2 }));
    const backups = [backup(1, '2026-11-09'), backup(2, '2026-11-10'), backup(6, '2026-11-14'), ...left].map((each, n) =>
      n === 2 ? { ...each, summary: { ...each.summary, label: 'today' } } : each,
    );
    const kept = (lineages: ExpiryState['lineages'], retention: Partial<Retention>): readonly string[] =>
      Object.entries(kinds(stateOf(backups, { lineages }), retention)).flatMap(([label, reasons]) => (reasons.length > 0 ? [label] : []));
    // For as long as either may be the cluster's; then the one that was left takes part by time alone.
    expect(kept([ONE, TWO], last(3))).toEqual(['b1', 'b2', 'today', 'b3', 'b4', 'b5']);
    expect(kept([ONE], last(3))).toEqual(['b1', 'b2', 'today', 'b4', 'b5']);
    expect(kept([ONE], { ...last(0), minimum: 1, windowMs: 0 })).toContain('today');
  });

  test('a server that was left and goes on being backed up, more often, takes no places of the cluster', () => {
    const left = Array.from({ length: 24 }, (_, n) => backup(10 + n, new Date(Date.UTC(2026, 10, 21, n / 2))));
    const backups = [backup(1, '2026-11-18'), ...left, backup(3, '2026-11-19', { timeline: 2 }), backup(4, '2026-11-20', { timeline: 2 })];
    expect(kinds(stateOf(backups, { lineages: [ONE, TWO] }), last(2))).toMatchObject({
      b1: [],
      b3: ['last'],
      b4: ['last', 'minimum'],
      b31: [],
      b32: ['last'],
      b33: ['last', 'minimum'],
    });
  });

  test('after an ordinary switchover the timelines before it count as one with what came of them', () => {
    const backups = [backup(1, '2026-11-18'), backup(2, '2026-11-19'), backup(3, '2026-11-20', { timeline: 2 })];
    expect(kinds(stateOf(backups, { lineages: [ONE, TWO] }), last(1))).toEqual({ b1: [], b2: [], b3: ['last', 'minimum'] });
  });

  test('a clock that was a year ahead, and one that was behind, take no places either', () => {
    const ahead = backup(2, '2027-11-20', { storedAt: new Date('2026-11-19') });
    expect(kinds(stateOf([backup(1, '2026-11-18'), ahead, backup(3, '2026-11-21')]), last(1))).toEqual({
      b1: [],
      b2: [],
      b3: ['last', 'minimum'],
    });
    const behind = backup(3, '1970-01-01', { storedAt: new Date('2026-11-21') });
    expect(kinds(stateOf([backup(1, '2026-11-18'), behind]), last(1))['b3']).toEqual(['last', 'minimum']);
  });

  test('a damaged backup stays while none that is sound is newer on its own timeline or by time', () => {
    const other = backup(3, '2026-11-12', { timeline: 2 });
    const between = [backup(1, '2026-11-10'), backup(4, '2026-11-11', { damaged: true }), other];
    expect(kinds(stateOf(between, { lineages: [ONE, TWO] }), last(1))['b4']).toEqual(['newest-damaged']);
    expect(kinds(stateOf(between, { lineages: [TWO] }), last(1))['b4']).toEqual([]);
    const newest = [backup(1, '2026-11-10'), backup(4, '2026-11-14', { damaged: true }), other];
    expect(kinds(stateOf(newest, { lineages: [TWO] }), last(1))['b4']).toEqual(['newest-damaged']);
  });

  test.each([
    [
      'a clock that was a day behind when the backup was taken',
      backup(1, '2026-11-17T18:00:00Z', { storedAt: new Date('2026-11-18T18:00:00Z') }),
      NOW,
    ],
    ['a machine that is two days ahead of the store', backup(1, '2026-11-18T18:00:00Z'), new Date('2026-11-23T12:00:00Z')],
  ])('%s lets nothing go early', (_what, young, now) => {
    expect(
      kinds(stateOf([young, ...daily(2).map((each, n) => ({ ...each, summary: { ...each.summary, label: `c${n}` } }))], { now }), {
        windowMs: 3 * DAY_MS,
      })['b1'],
    ).toEqual(['window']);
  });

  test('a clock that was ahead takes the place of no other, and keeps what it dated no longer than the window', () => {
    const rules = { keep: { ...NOTHING.keep, daily: 2 } };
    const said = '2027-06-01T00:00:00Z';
    const [young, old] = [new Date('2026-11-20T02:00:00Z'), new Date('2026-11-10T02:00:00Z')];
    const others = [backup(3, '2026-11-20T13:00:00Z'), backup(4, '2026-11-21T11:00:00Z')];
    // The store's clock was right: it is of the day on which it was stored.
    expect(kinds(stateOf([backup(1, said, { storedAt: young }), ...others]), rules)).toMatchObject({
      b1: [],
      b3: ['period'],
      b4: ['period', 'minimum'],
    });
    expect(kinds(stateOf([backup(1, said, { storedAt: old }), ...others]), { windowMs: 3 * DAY_MS })['b1']).toEqual(['window-start']);
    // The store is of the machine whose clock was ahead: nothing tells of which day.
    expect(kinds(stateOf([backup(1, said), ...others]), rules)).toEqual({ b1: ['ahead'], b3: ['period'], b4: ['period', 'minimum'] });
  });

  test('dumps have a count of their own', () => {
    const content = { extent: 'whole', databases: ['app'], leftOut: [], missed: [] } as const;
    const dumps = [1, 2, 3].map((n) => ({ label: `d${n}`, startedAt: new Date(n * DAY_MS), storedAt: new Date(n * DAY_MS), content }));
    const plan = planExpiry(stateOf(daily(1), { dumps }), { ...NOTHING, dumps: 2 });
    expect(plan.dumps.map(({ reasons }) => reasons.map(({ kind }) => kind))).toEqual([[], ['last'], ['last']]);
    expect(planExpiry(stateOf(daily(1), { dumps }), NOTHING).dumps.every(({ reasons }) => reasons.length === 1)).toBe(true);
  });

  test('never lets go of a backup of the window, of the one before it, of a hold, or of more than leaves the minimum', () => {
    const count = fc.integer({ min: 0, max: 4 });
    const retentions = fc.record({
      windowMs: fc.option(fc.integer({ min: 0, max: 40 * DAY_MS }), { nil: undefined }),
      keep: fc.record({ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count }),
      minimum: fc.integer({ min: 1, max: 6 }),
      dumps: fc.constant(undefined),
      timeZone: fc.constantFrom('UTC', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Apia'),
    });
    const ages = fc.array(
      fc.record({ hours: fc.integer({ min: 0, max: 24 * 400 }), damaged: fc.boolean(), held: fc.integer({ min: 0, max: 9 }) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(ages, retentions, (drawn, retention) => {
        const sorted = [...drawn].sort((a, b) => b.hours - a.hours);
        const backups = sorted.map(({ hours, damaged }, n) => backup(n + 1, new Date(NOW.getTime() - hours * 3_600_000), { damaged }));
        const held = sorted.flatMap(({ held: dice }, n) => (dice === 0 ? [`b${n + 1}`] : []));
        const holds = new Map(held.map((label) => [label, [{ label, name: 'x', reason: 'r', until: null, placedAt: NOW, by: 'a' }]]));
        const verdicts = planExpiry(stateOf(backups, { holds }), retention).backups;
        const kept = new Set(verdicts.filter(({ reasons }) => reasons.length > 0).map(({ label }) => label));
        const sound = backups.filter(({ summary }) => summary.damage === null).map(({ summary }) => summary);
        const keptSound = sound.filter(({ label }) => kept.has(label));
        expect(keptSound.length).toBeGreaterThanOrEqual(Math.min(retention.minimum, sound.length));
        for (const label of held) expect(kept).toContain(label);
        if (retention.windowMs === undefined) return;
        const begins = NOW.getTime() - retention.windowMs;
        for (const { summary } of backups) if (new Date(summary.finishedAt).getTime() > begins) expect(kept).toContain(summary.label);
        // Every moment of the window that a sound backup served before is served still.
        const before = sound.filter(({ finishedAt }) => new Date(finishedAt).getTime() <= begins).at(-1);
        if (before !== undefined) expect(kept).toContain(before.label);
      }),
      { seed: 20261121, numRuns: 300 },
    );
  });
});

describe('periodOf', () => {
  test('weeks are those of ISO 8601', () => {
    const weeks = ['2026-01-01', '2027-01-01', '2027-01-03', '2027-01-04', '2024-12-30', '2026-11-21'].map((day) =>
      periodOf('weekly', new Date(`${day}T12:00:00Z`), 'UTC'),
    );
    expect(weeks).toEqual(['2026-W01', '2026-W53', '2026-W53', '2027-W01', '2025-W01', '2026-W47']);
  });

  test('an hour that comes twice is two, and other periods follow the zone', () => {
    const [first, second] = [new Date('2026-10-25T00:30:00Z'), new Date('2026-10-25T01:30:00Z')];
    expect(periodOf('hourly', first, 'Europe/Berlin')).not.toBe(periodOf('hourly', second, 'Europe/Berlin'));
    expect(periodOf('hourly', first, 'UTC')).toBe('2026-10-25 00:00 +00:00');
    expect(periodOf('monthly', new Date('2026-11-30T20:00:00Z'), 'Asia/Kolkata')).toBe('2026-12');
    expect(periodOf('yearly', new Date('2026-12-31T10:30:00Z'), 'Pacific/Kiritimati')).toBe('2027');
  });
});

describe('brokenBackups', () => {
  const header = {
    label: 'v',
    systemIdentifier: '7',
    finishedAt: '2026-11-21T00:00:00.000Z',
    extent: 'everything',
    isSound: false,
    faults: 1,
  } as const;
  const found = (backups: readonly string[], soundBackups: readonly string[] = []) => [
    { header, findings: { objects: [], isComplete: true, backups, soundBackups, dumps: [] } },
  ];
  const full = (label: string) => summaryOf(label, { kind: 'full' });
  const built = (label: string, parent: string | null) => summaryOf(label, { kind: 'incremental', parent });
  const labels = (backups: ReturnType<typeof full>[], standing: Parameters<typeof brokenBackups>[1]): readonly string[] => [
    ...brokenBackups(backups, standing).keys(),
  ];

  test('those that the report names, and what was built on them since', () => {
    const backups = [full('a'), built('b', 'a'), built('c', 'b'), built('d', 'c'), full('e'), built('f', 'e')];
    expect(labels(backups, found(['b'], ['a']))).toEqual(['b', 'c', 'd']);
    expect(labels(backups, found(['b'], ['a', 'c']))).toEqual(['b']);
    expect(labels(backups, found([], ['a', 'b']))).toEqual([]);
    expect(labels(backups, [{ header, findings: undefined }])).toEqual([]);
  });

  test('one that came later is also broken where nobody knows what it was built on', () => {
    const backups = [full('a'), built('b', 'gone'), built('c', null), built('d', 'b'), built('e', 'f'), built('f', 'e')];
    expect(labels(backups, found(['x'], ['a']))).toEqual(['b', 'c', 'd', 'e', 'f']);
    expect(labels(backups, found(['x'], ['a', 'gone']))).toEqual(['c', 'e', 'f']);
  });
});
