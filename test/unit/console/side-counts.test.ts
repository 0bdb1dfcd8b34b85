import { expect, test } from 'vitest';
import type { Status } from '../../../src/console/app/api.ts';
import { reasonWords } from '../../../src/console/app/screens/listening/reason-words.ts';
import { sideCounts } from '../../../src/console/app/side-counts.ts';

function status(parts: object): Status {
  return { at: '2026-11-21T12:00:00Z', clusters: [], jobs: [], problems: [], unknown: [], ...parts };
}

const running = { outcome: 'running', startedAt: '2026-11-21T11:59:00Z', message: null };
const lineage = (gaps: number): object => ({ state: { lineage: { gaps: Array.from({ length: gaps }, () => ({})) } } });

test('sideCounts: a project where all is well and nothing runs says nothing beside its screens', () => {
  const well = {
    name: 'main',
    repositories: [lineage(0)],
    migrations: { applied: 3, pending: 0, problems: 0 },
    roles: { drift: 0, destructive: 0 },
  };
  expect([...sideCounts(status({ clusters: [well], jobs: [{ name: 'app.drill', last: null }] }))]).toEqual([]);
});

test('sideCounts: what waits for somebody or goes on stands beside its screen; a gap that two repositories have counts once', () => {
  const clusters = [
    {
      name: 'main',
      repositories: [lineage(1), lineage(1)],
      migrations: { applied: 3, pending: 2, problems: 0 },
      roles: { drift: 1, destructive: 0 },
    },
    { name: 'away', repositories: [{ state: { unknown: 'gone' } }], migrations: { unknown: 'gone' }, roles: null },
  ];
  const jobs = [
    { name: 'app.drill', last: running },
    { name: 'marts', last: running },
  ];
  const problems = [
    { kind: 'job-failed', subject: 'marts' },
    { kind: 'repository-full', subject: 'local' },
    { kind: 'repository-slow', subject: 'local' },
  ];
  expect(Object.fromEntries(sideCounts(status({ clusters, jobs, problems })))).toEqual({
    '/backups': { text: '1 gap', kind: 'warn' },
    '/drills': { text: '1 running', kind: 'plain' },
    '/migrations': { text: '2 pending', kind: 'plain' },
    '/roles': { text: '1 differs', kind: 'plain' },
    '/schedule': { text: '2 running', kind: 'plain' },
    '/repositories': { text: '1 problem', kind: 'bad' },
  });
  expect(sideCounts(status({ problems })).get('/schedule')).toEqual({ text: '1 problem', kind: 'bad' });
});

test('reasonWords: what an export calls a button is said in words, what is not known stays', () => {
  expect(['fwdbtn', 'trackdone', 'newbtn'].map((value) => reasonWords('began by', value))).toEqual([
    'Forward button',
    'Song before ended',
    'newbtn',
  ]);
  expect(reasonWords('ended by', 'trackdone')).toBe('Song ended');
  expect(reasonWords('platform', 'popup')).toBe('popup');
});
