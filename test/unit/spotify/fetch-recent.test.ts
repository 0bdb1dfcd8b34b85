import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ApiPage } from '../../../src/spotify/api/run.ts';
import { fieldSetOf, readPageSet, writePageSet, type PageSet } from '../../../src/spotify/fetch/page-set.ts';
import { fetchRecent } from '../../../src/spotify/fetch/recent.ts';
import { lastExpiry } from '../../../src/commands/spotify/backup-memory.ts';

/** A listener with plays at these milliseconds, of whom the newest 50 are kept. */
const server =
  (plays: readonly number[]) =>
  async (_: string, query: Readonly<Record<string, string>> = {}): Promise<ApiPage> => {
    expect('after' in query && 'before' in query).toBe(false);
    const items = plays
      .toSorted((a, b) => b - a)
      .slice(0, 50)
      .filter((at) => at > Number(query['after'] ?? 0) && at < Number(query['before'] ?? Infinity))
      .slice(0, Number(query['limit']))
      .map((at) => ({ played_at: new Date(at).toISOString() }));
    const body = { items, next: null, cursors: null };
    return await Promise.resolve({ endpoint: 'x', url: 'x', status: 200, fetchedAt: new Date(0), text: JSON.stringify(body), body });
  };

test('fetchRecent: every play that Spotify still has comes once, and what may be lost is said', async () => {
  const moments = fc.uniqueArray(fc.integer({ min: 1, max: 5000 }), { maxLength: 130 });
  await fc.assert(
    fc.asyncProperty(moments, fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }), async (plays, cursor) => {
      const found = await fetchRecent(server(plays), cursor === undefined ? undefined : new Date(cursor));
      const kept = plays.toSorted((a, b) => b - a).slice(0, 50);
      const wanted = kept.filter((at) => at > (cursor ?? 0));
      expect(found.items).toBe(wanted.length);
      expect(found.newestPlayedAt?.getTime()).toBe(wanted.length === 0 ? undefined : Math.max(...wanted));
      const lost = plays.filter((at) => at > (cursor ?? Infinity) && !kept.includes(at));
      if (lost.length > 0) expect(found.gap).toEqual({ after: new Date(cursor ?? 0), before: new Date(Math.min(...wanted)) });
      if (wanted.length < 50 || cursor === undefined) expect(found.gap).toBeUndefined();
    }),
    { seed: 20260302 },
  );
});

test('writePageSet, readPageSet: what was written reads the same; one that was cut does not', () => {
  const page = { endpoint: 'me', url: 'u', status: 200, fetchedAt: new Date(5), text: '{"a":"\\n"}' };
  const set: PageSet = {
    listener: 'Åda',
    kind: 'recent',
    unit: 'recent',
    startedAt: new Date(1),
    items: 2,
    newestPlayedAt: new Date(2),
    gap: { after: new Date(3), before: new Date(4) },
    pages: [page, { ...page, text: '{}' }],
  };
  const text = writePageSet(set);
  expect(readPageSet(text, 'x')).toEqual(set);
  for (const cut of [1, 40, text.indexOf('\n'), text.lastIndexOf('\n', text.length - 2), text.length - 1])
    expect(() => readPageSet(text.slice(0, cut), 'x')).toThrow(expect.objectContaining({ code: 'load-failed' }));
});

test.each([
  ['{"popularity":3}', 'before'],
  ['{"account_id":"x"}', 'after'],
  ['{"devices":[]}', 'unknown'],
])('fieldSetOf: %s is %s', (text, fields) => expect(fieldSetOf([{ text }])).toBe(fields));

test('lastExpiry: the longest of what keeps a backup, counted from the newest', () => {
  const keep = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  const at = (day: number): Date => new Date(Date.UTC(2026, 0, day));
  const retention = { windowMs: 14 * 86_400_000, keep, minimum: 2, dumps: undefined, timeZone: 'UTC' };
  expect(lastExpiry(at(3), [at(1), at(2), at(3)], retention)).toEqual(at(18));
  expect(lastExpiry(at(3), [at(3)], { ...retention, keep: { ...keep, yearly: 1 } })).toEqual(at(3 + 366));
});
