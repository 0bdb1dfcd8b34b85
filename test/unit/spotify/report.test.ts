import { describe, expect, it } from 'vitest';
import { harmless, sectionCsv } from '../../../src/spotify/report/csv.ts';
import { formatSpan, shown } from '../../../src/spotify/report/measure.ts';
import { rollingMean } from '../../../src/spotify/report/page/line.ts';
import { daysBetween, labelEvery, ticks } from '../../../src/spotify/report/page/scale.ts';
import { shadeOf } from '../../../src/spotify/report/page/heat.ts';
import { checkAsked, EVERYTHING, playFilter, type Scope } from '../../../src/spotify/report/scope.ts';
import { chooseSections, idleFilters, SECTIONS } from '../../../src/spotify/report/sections.ts';

describe('what a report is asked for', () => {
  it.for([
    [{ month: '2025-13' }, undefined, '--month takes a month such as 2025-10, not "2025-13"'],
    [{ month: '25-1' }, undefined, '--month takes a month'],
    [{ from: '2025-02-30' }, undefined, '--from takes a day such as 2025-10-31, not "2025-02-30"'],
    [{ to: 'today' }, undefined, '--to takes a day'],
    [{ from: '2025-03-02', to: '2025-03-01' }, undefined, '--from 2025-03-02 is after --to 2025-03-01'],
    [{}, '0', '--top takes a whole number from 1 to 1000, not "0"'],
    [{}, '5.5', '--top takes a whole number'],
  ] as const)('%o with --top %s is refused', ([asked, top, message]) => {
    expect(() => checkAsked({ ...EVERYTHING, ...asked }, top)).toThrow(message);
  });

  it('a leap day is a day, and one day may be first and last', () => {
    expect(checkAsked({ ...EVERYTHING, from: '2024-02-29', to: '2024-02-29' }, undefined)).toMatchObject({ top: 10, to: '2024-02-29' });
  });

  it('a text in a filter is a constant, whatever it holds', () => {
    const scope: Scope = { ...EVERYTHING, zone: String.raw`it's \ "x"`, track: { id: '7', name: 'x' }, unreadable: new Set() };
    expect(playFilter(scope)).toBe(String.raw`mart.only(track_id => 7, zone =>  E'it''s \\ "x"'::text)`);
  });

  it('a group is its sections, in the order of the pages, each once', () => {
    expect(chooseSections([])).toBe(SECTIONS);
    expect(chooseSections(['devices', 'user', 'cards']).map(({ name }) => name)).toEqual([
      'cards',
      ...SECTIONS.filter(({ group }) => group === 'user').map(({ name }) => name),
    ]);
    expect(() => chooseSections(['figures'])).toThrow('no part of the report is called "figures"');
  });

  it('a filter that says nothing about a section is known', () => {
    const idle = idleFilters({ ...EVERYTHING, month: '2025-01', chart: 'x' }, chooseSections(['cards', 'devices', 'chart-entries']));
    expect(Object.fromEntries([...idle].map(([name, sections]) => [name, sections.map((each) => each.name)]))).toEqual({
      month: ['devices'],
      chart: ['cards', 'devices'],
    });
  });
});

describe('CSV of a report', () => {
  it.for(['=1+1', '+1', '-1+1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '\n@x', '＝1+1', '＠x'])('%j cannot run in a spreadsheet', (text) => {
    expect(harmless(text)).toBe(`'${text}`);
  });

  it.for(['Amber Atlas', '1-1', '', "'quoted", 'a=b', '„x“'])('%j stays as it is', (text) => {
    expect(harmless(text)).toBe(text);
  });

  it('a number below zero is a number, NULL is nothing, and texts are as stored with verbatim', () => {
    const [section] = SECTIONS.filter(({ name }) => name === 'chart-movement');
    if (section === undefined) throw new Error('no such section');
    const columns = section.columns.filter(({ key }) => ['track', 'movement', 'rank'].includes(key));
    const data = { section: { ...section, columns }, rows: [{ track: '-x, "y"', movement: '-3', rank: null }] };
    expect(sectionCsv(data, { verbatim: false })).toBe(`rank,track,movement\r\n,"'-x, ""y""",-3\r\n`);
    expect(sectionCsv(data, { verbatim: true })).toBe(`rank,track,movement\r\n,"-x, ""y""",-3\r\n`);
  });
});

describe('figures and scales', () => {
  it('values are shown with their units', () => {
    expect([formatSpan(0), formatSpan(59 * 60_000), formatSpan(3_600_000 * 1234 + 60_000)]).toEqual(['0 min', '59 min', '1,234 h 01 min']);
    expect([shown('change', '-3'), shown('change', '4'), shown('percent', '10.50'), shown('count', null)]).toEqual([
      '−3',
      '+4',
      '10.5 %',
      '',
    ]);
  });

  it('a scale begins at 0, ends at or above the highest, and has whole steps', () => {
    for (const highest of [0, 1, 2, 7, 147, 999, 1000, 12_345]) {
      const scale = ticks(highest);
      expect(scale[0]).toBe(0);
      expect(scale.at(-1)).toBeGreaterThanOrEqual(highest);
      expect(scale.length).toBeLessThanOrEqual(6);
      expect(
        scale.every((tick) => Number.isInteger(tick)),
        String(highest),
      ).toBe(true);
    }
  });

  it('days between two are all there, over the ends of months and of summer time', () => {
    expect(daysBetween('2024-02-28', '2024-03-01')).toEqual(['2024-02-28', '2024-02-29', '2024-03-01']);
    expect(daysBetween('2025-10-25', '2025-10-27')).toHaveLength(3);
  });

  it('shades, means and labels', () => {
    expect([shadeOf(0, 10), shadeOf(1, 1000), shadeOf(5, 10), shadeOf(10, 10)]).toEqual([0, 1, 3, 5]);
    expect(rollingMean([2, 4, 6], 2)).toEqual([2, 3, 5]);
    expect([labelEvery(5, 12), labelEvery(25, 12)]).toEqual([1, 3]);
  });
});
