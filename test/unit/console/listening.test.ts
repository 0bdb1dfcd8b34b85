import { describe, expect, it } from 'vitest';
import { partCsv } from '../../../src/console/app/screens/listening/csv.ts';
import { nameOfBefore, periodBefore, readFilters } from '../../../src/console/app/screens/listening/filters.ts';
import { questionOf, readPreference, writePreference } from '../../../src/console/app/screens/listening/preference.ts';
import { shownValue, signed } from '../../../src/console/app/screens/listening/report.ts';
import { rollingMean, shadeOf, spread, ticksTo } from '../../../src/console/app/screens/listening/scale.ts';

describe('the period before', () => {
  it.for([
    [{ month: '2025-01' }, { month: '2024-12' }, 'Dec 2024'],
    [{ month: '2025-03', album: 'id:4' }, { month: '2025-02', album: 'id:4' }, 'Feb 2025'],
    [{ from: '2025-03-01', to: '2025-03-31' }, { from: '2025-01-29', to: '2025-02-28' }, 'the 31 days before'],
    [{ from: '2024-03-01', to: '2024-03-01' }, { from: '2024-02-29', to: '2024-02-29' }, 'the day before'],
  ] as const)('of %o is %o', ([filters, before, name]) => {
    expect(periodBefore(filters)).toEqual(before);
    expect(nameOfBefore(filters)).toBe(name);
  });

  it.for([
    {},
    { from: '2025-01-01' },
    { to: '2025-01-01' },
    { month: '2025-01', from: '2025-01-03' },
    { month: '2025-13' },
    { from: 'x', to: 'y' },
  ] as const)('of %o there is none', (filters) => {
    expect(periodBefore(filters)).toBeUndefined();
  });
});

it('filters are what the address says, blanks and what is not of the screen left out', () => {
  expect(readFilters({ tab: 'when', listener: ' ada ', month: '', album: 'id:12', constructor: 'x' })).toEqual({
    listener: 'ada',
    album: 'id:12',
  });
});

describe('a preference', () => {
  const said = {
    by: 'preference',
    songs: [
      { id: '12', name: 'A ~ B' },
      { id: '7', name: 'C' },
    ],
    genres: ['deep house', "children's music"],
    features: { energy: 0.8, loudness_db: -6.5 },
    popular: 0,
    heard: 'never',
    isUnheardOnly: true,
  } as const;

  it('is the same after a way through the address', () => {
    const query = Object.fromEntries(
      Object.entries(writePreference(said)).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    expect(readPreference(query)).toEqual(said);
    expect(
      Object.keys(writePreference(readPreference({}))).filter((name) => writePreference(readPreference({}))[name] !== undefined),
    ).toEqual([]);
  });

  it('asks with what was said, and with nothing where nothing was', () => {
    expect(questionOf(said, 'ada')).toEqual({
      like: ['12', '7'],
      genre: ['deep house', "children's music"],
      feature: ['energy=0.8', 'loudness_db=-6.5'],
      popular: '0',
      unheard: 'ada',
    });
    expect(questionOf(readPreference({}), 'ada')).toBeUndefined();
    expect(questionOf(readPreference({ by: 'listener' }), undefined)).toBeUndefined();
    expect(questionOf(readPreference({ by: 'after', songs: '3~x' }), undefined)).toEqual({ after: '3' });
  });

  it('takes from an address only what it can be', () => {
    expect(readPreference({ by: 'magic', songs: 'x|5|6~|--url', features: 'energy:high|mood:1|a:', popular: '7', heard: 'what' })).toEqual({
      by: 'preference',
      songs: [
        { id: '5', name: 'song 5' },
        { id: '6', name: '' },
      ],
      genres: [],
      features: { mood: 1 },
      popular: undefined,
      heard: 'never',
      isUnheardOnly: false,
    });
  });
});

it('CSV: a text that a spreadsheet would run is a text, a number below zero a number, nothing is nothing', () => {
  const columns = [
    { key: 'name', head: 'Song', measure: 'text' },
    { key: 'movement', head: 'Movement', measure: 'change' },
    { key: 'plays', head: 'Plays', measure: 'count' },
  ] as const;
  expect(
    partCsv({
      columns,
      rows: [
        { name: '=cmd|"x", y', movement: -3, plays: null },
        { name: '', movement: 0, plays: 5 },
      ],
    }),
  ).toBe('name,movement,plays\r\n"\'=cmd|""x"", y",-3,\r\n"",0,5\r\n');
});

it('values, scales and shades', () => {
  expect([signed(-2.94, 'pt', 1), signed(0.04, '%', 1), signed(3, ''), shownValue('span', 3_660_000), shownValue('flag', false)]).toEqual([
    '−2.9 pt',
    '0.0 %',
    '+3',
    '1 h 01 min',
    '',
  ]);
  for (const most of [0, 1, 3, 7, 99, 437, 12_345]) {
    const ticks = ticksTo(most);
    expect([ticks[0], (ticks.at(-1) ?? 0) >= most, ticks.length <= 4, ticks.every((tick) => Number.isInteger(tick))]).toEqual([
      0,
      true,
      true,
      true,
    ]);
  }
  expect(
    rollingMean(
      [2, 4, 6].map((value) => ({ name: '', value })),
      2,
    ),
  ).toEqual([2, 3, 5]);
  expect([shadeOf(0, 9), shadeOf(1, 1000), shadeOf(9, 9)]).toEqual([0, 1, 5]);
  expect(spread(100, 4)).toEqual([0, 33, 66, 99]);
});
