import { describe, expect, test } from 'vitest';
import {
  fitted,
  LEAST_SPAN_MS,
  momentAt,
  panned,
  showing,
  ticks,
  xOf,
  zoomed,
  type View,
} from '../../../src/console/app/screens/backups/time-scale.ts';
import { parseHoldUntil } from '../../../src/backup/hold-until.ts';
import { parseUntil } from '../../../src/console/app/screens/backups/hold-until.ts';
import { momentsOfWall, offsetMsAt, parseTyped, stamp } from '../../../src/console/app/screens/backups/zoned-time.ts';

const at = (text: string): number => Date.parse(text);
const DAY = 86_400_000;
const bounds: View = { fromMs: at('2026-11-01T00:00:00Z'), toMs: at('2026-11-21T00:00:00Z') };

describe('the scale', () => {
  test('a moment is where its pixel says, and the other way round', () => {
    const x = xOf(at('2026-11-06T00:00:00Z'), bounds, 1000);
    expect(x).toBe(250);
    expect(momentAt(x, bounds, 1000)).toBe(at('2026-11-06T00:00:00Z'));
  });

  test('zooming keeps the moment under the pointer where it is, and never leaves what there is', () => {
    const pointed = at('2026-11-16T00:00:00Z');
    const near = zoomed(bounds, pointed, 0.5, bounds);
    expect(near.toMs - near.fromMs).toBe(10 * DAY);
    expect(xOf(pointed, near, 1000)).toBeCloseTo(xOf(pointed, bounds, 1000), 6);
    expect(zoomed(near, pointed, 100, bounds)).toEqual(bounds);
    const nearest = zoomed(bounds, pointed, 1e-12, bounds);
    expect(nearest.toMs - nearest.fromMs).toBeCloseTo(LEAST_SPAN_MS, 6);
    expect(nearest.fromMs).toBeLessThanOrEqual(pointed);
  });

  test('panning stops at the ends with the span unchanged', () => {
    const view = { fromMs: bounds.fromMs + DAY, toMs: bounds.fromMs + 3 * DAY };
    expect(panned(view, -5 * DAY, bounds)).toEqual({ fromMs: bounds.fromMs, toMs: bounds.fromMs + 2 * DAY });
    expect(panned(view, 500 * DAY, bounds)).toEqual({ fromMs: bounds.toMs - 2 * DAY, toMs: bounds.toMs });
    expect(fitted({ fromMs: 0, toMs: 1e15 }, bounds)).toEqual(bounds);
  });

  test('a moment outside of the view brings the view to it, one inside leaves it', () => {
    const view = { fromMs: bounds.fromMs + 5 * DAY, toMs: bounds.fromMs + 6 * DAY };
    expect(showing(view, view.fromMs + 1000, bounds)).toBe(view);
    for (const asked of [bounds.fromMs + DAY, bounds.fromMs + 12 * DAY]) {
      const moved = showing(view, asked, bounds);
      expect(moved.fromMs).toBeLessThan(asked);
      expect(moved.toMs).toBeGreaterThan(asked);
      expect(moved.toMs - moved.fromMs).toBeCloseTo(DAY, 6);
    }
  });

  test.each([
    ['10 seconds', 10_000],
    ['5 minutes', 300_000],
    ['a day', DAY],
    ['16 days', 16 * DAY],
    ['2 years', 730 * DAY],
    ['30 years', 10_950 * DAY],
  ])('the axis of %s has room for each of its labels, and some', (_, span) => {
    const view = { fromMs: bounds.toMs - span, toMs: bounds.toMs };
    const lines = ticks(view, 1000, 'Asia/Kolkata');
    expect(lines.length).toBeGreaterThan(3);
    const places = lines.map(({ atMs }) => xOf(atMs, view, 1000));
    for (const [index, x] of places.slice(1).entries()) expect(x - (places[index] ?? 0)).toBeGreaterThan(60);
  });

  test('lines stand at midnight of the zone, on the day when its clock is put back, too', () => {
    const view = { fromMs: at('2026-10-24T00:00:00Z'), toMs: at('2026-10-28T00:00:00Z') };
    const lines = ticks(view, 400, 'Europe/Berlin').map(({ atMs, unit }) => `${unit} ${stamp(atMs, 'Europe/Berlin')}`);
    expect(lines).toEqual([
      'day 2026-10-25 00:00:00+02:00',
      'day 2026-10-26 00:00:00+01:00',
      'day 2026-10-27 00:00:00+01:00',
      'day 2026-10-28 00:00:00+01:00',
    ]);
  });
});

describe('a typed moment', () => {
  test('is read in the zone of the screen, or with its offset', () => {
    const moment = { kind: 'moment', atMs: at('2026-11-21T08:33:07Z') };
    expect(parseTyped('2026-11-21 14:03:07', 'Asia/Kolkata')).toEqual(moment);
    expect(parseTyped('2026-11-21T08:33:07Z', 'Asia/Kolkata')).toEqual(moment);
    expect(parseTyped(' 2026-11-21 09:33:07+01 ', 'Asia/Kolkata')).toEqual(moment);
    expect(parseTyped('2026-11-21 14:03:07.25', 'Asia/Kolkata')).toEqual({ kind: 'moment', atMs: moment.atMs + 250 });
  });

  test('comes back from its own text', () => {
    for (const zone of ['UTC', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Apia'])
      expect(parseTyped(stamp(at('2026-11-21T08:33:07.412Z'), zone), 'UTC')).toEqual({
        kind: 'moment',
        atMs: at('2026-11-21T08:33:07.412Z'),
      });
  });

  test('that the clock never showed, or showed twice, is refused with what to write', () => {
    expect(parseTyped('2026-03-29 02:30', 'Europe/Berlin')).toMatchObject({ kind: 'refused', why: expect.stringContaining('put forward') });
    expect(parseTyped('2026-10-25 02:30', 'Europe/Berlin')).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('write 2026-10-25 02:30:00+02:00 or 2026-10-25 02:30:00+01:00'),
    });
    for (const text of ['yesterday', '2026-13-01', '2026-02-30 10:00', '2026-11-21 24:00', ''])
      expect(parseTyped(text, 'UTC')).toMatchObject({ kind: 'refused' });
  });

  test('until when a backup is held is taken as the command takes it, and refused where that refuses it', () => {
    const now = new Date('2026-11-21T08:33:07Z');
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    for (const text of ['90d', ' 12 h', '1.5h', '30min', '2027-01-01', '2026-11-21T23:59:59.5Z', '2026-12-01 10:00+05:30'])
      expect({ text, until: parseUntil(text, timeZone, now.getTime()) }).toEqual({
        text,
        until: { kind: 'moment', atMs: parseHoldUntil(text, now).getTime() },
      });
    for (const text of [
      '0d',
      '90',
      'soon',
      '5 minutes ago',
      'now',
      '90d or so',
      '2026-11-21T08:33:07Z',
      '2026-02-30',
      '2027-01-01 10:61',
      '-3d',
    ]) {
      expect({ text, until: parseUntil(text, timeZone, now.getTime()) }).toMatchObject({ text, until: { kind: 'refused' } });
      expect(() => parseHoldUntil(text, now)).toThrow();
    }
  });

  test('offsets follow the zone through the year', () => {
    expect(offsetMsAt(at('2026-07-01T00:00:00Z'), 'Europe/Berlin')).toBe(7_200_000);
    expect(offsetMsAt(at('2026-12-01T00:00:00Z'), 'Europe/Berlin')).toBe(3_600_000);
    expect(momentsOfWall(at('2026-10-25T02:30:00Z'), 'Europe/Berlin')).toHaveLength(2);
  });
});
