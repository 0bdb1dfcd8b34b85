import { describe, expect, test } from 'vitest';
import type { AuditEntry, Cluster, Problem } from '../../../src/console/app/api.ts';
import { auditCsv, filterEntries, readAuditFilter } from '../../../src/console/app/screens/audit/audit-filter.ts';
import { MOST_FULL, orderClusters } from '../../../src/console/app/screens/overview/cluster-order.ts';
import { problemLink } from '../../../src/console/app/screens/overview/problem-link.ts';

describe('orderClusters', () => {
  const clusters = (count: number): readonly Cluster[] =>
    Array.from({ length: count }, (_, index) => ({ name: `c${index}` }) as unknown as Cluster);
  const problem = (cluster: string, severity: 'failed' | 'late'): Problem => ({ cluster, severity }) as unknown as Problem;
  const names = (list: readonly Cluster[]) => list.map(({ name }) => name);

  test('a few stay as the file has them', () => {
    expect(names(orderClusters(clusters(MOST_FULL), [problem('c3', 'failed')], undefined).full)).toEqual([
      'c0',
      'c1',
      'c2',
      'c3',
      'c4',
      'c5',
    ]);
  });

  test('of fifty those that need somebody are drawn, what does not work first, and one that was chosen', () => {
    const { full, brief } = orderClusters(clusters(50), [problem('c7', 'late'), problem('c9', 'failed')], 'c40');
    expect(names(full)).toEqual(['c40', 'c9', 'c7']);
    expect(brief).toHaveLength(47);
    expect(orderClusters(clusters(50), [], undefined)).toMatchObject({ full: [] });
  });

  test('of very many with problems no more than six are drawn', () => {
    const all = clusters(50).map(({ name }) => problem(name, 'failed'));
    expect(orderClusters(clusters(50), all, undefined).full).toHaveLength(MOST_FULL);
  });
});

test.each([
  [{ kind: 'job-failed', cluster: 'main', subject: 'app.full' }, '/schedule?job=app.full'],
  [{ kind: 'drill-late', cluster: 'main', subject: null }, '/drills?cluster=main'],
  [{ kind: 'wal-gap', cluster: 'a&b', subject: 'local' }, '/backups?cluster=a%26b'],
  [{ kind: 'repository-full', cluster: 'main', subject: 'local' }, '/repositories?repository=local'],
  [{ kind: 'server-away', cluster: 'main', subject: null }, undefined],
])('problemLink: %o leads to %s', (problem, path) => expect(problemLink(problem)?.[0]).toBe(path));

describe('the audit trail', () => {
  const entry = (id: string, outcome: AuditEntry['outcome'], more: Partial<AuditEntry> = {}): AuditEntry => ({
    at: '2026-11-21T00:00:00Z',
    who: 'olga',
    from: '127.0.0.1',
    what: 'dbadmin backup run',
    cluster: 'main',
    outcome,
    id,
    detail: null,
    ...more,
  });
  const entries = [
    entry('1', 'begun'),
    entry('1', 'done'),
    entry('2', 'begun', { cluster: 'charts' }),
    entry('3', 'refused', { who: 'gast', what: 'sign-in', cluster: null }),
  ];
  const found = (query: Readonly<Record<string, string>>) =>
    filterEntries(entries, readAuditFilter(query)).map(({ id, outcome }) => `${id} ${outcome}`);

  test('filters combine; what was begun and never ended is found', () => {
    expect(found({})).toHaveLength(4);
    expect(found({ outcome: 'open' })).toEqual(['2 begun']);
    expect(found({ kind: 'sign-ins' })).toEqual(['3 refused']);
    expect(found({ kind: 'actions', cluster: 'main', text: 'BACKUP' })).toEqual(['1 begun', '1 done']);
    expect(found({ who: 'olga', text: 'sign-in' })).toEqual([]);
    expect(found({ outcome: 'nonsense' })).toHaveLength(4);
  });

  test('a table for a spreadsheet has every field, and nothing in it becomes a formula', () => {
    const text = auditCsv([entry('1', 'failed', { who: '=cmd()', detail: 'said "no", and\nleft' })]);
    expect(text).toBe(
      'at,who,from,what,cluster,outcome,id,detail\r\n"2026-11-21T00:00:00Z","\'=cmd()","127.0.0.1","dbadmin backup run","main","failed","1","said ""no"", and\nleft"\r\n',
    );
  });
});
