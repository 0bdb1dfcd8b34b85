import { expect, test } from 'vitest';
import { promiseLine } from '../../../src/status/describe.ts';
import { estimateRecovery } from '../../../src/status/estimate.ts';
import type { ClusterFacts } from '../../../src/status/facts.ts';
import { hostLoss, walLag } from '../../../src/status/promise.ts';
import {
  ago,
  AWAY,
  clusterFacts,
  DAY,
  dumpedAt,
  HOUR,
  lineageFacts,
  MEASURE,
  NO_LIMITS,
  NOW,
  repositoryFacts,
  serverFacts,
} from './project-facts.ts';

const line = (cluster: ClusterFacts): string => promiseLine(cluster, { now: NOW, timeZone: 'UTC', full: (at) => at.toISOString() });
const idle = {
  slots: [{ name: 'dbadmin', kind: 'physical', isOurs: true, isActive: false, walStatus: 'reserved', keptBytes: 0 }],
} as const;

test('promise: the first line says what is lost and when it is back, and which drill measured that', () => {
  expect(line(clusterFacts())).toBe('main: if this host vanished now: lose ≤ 6.0 s, back in 6 min 47 s (drill of Tuesday 04:00)');
});

test.each<[string, ClusterFacts, RegExp]>([
  [
    'nothing of it is kept',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts(), { lineage: undefined })] }),
    /everything is lost: local holds nothing of it \(dbadmin backup run\)$/,
  ],
  [
    'there is no repository',
    clusterFacts({ repositories: [] }),
    /everything is lost: no repository is configured for its backups \(name one in dbadmin\.yaml\)$/,
  ],
  [
    'dumps are all that is wanted, and there is nothing yet',
    clusterFacts({
      repositories: [repositoryFacts(lineageFacts(), { lineage: undefined })],
      limits: { ...clusterFacts().limits, dumpsOnly: true },
    }),
    /everything is lost: local holds nothing of it \(dbadmin backup dump\)$/,
  ],
  [
    'the only repository is away',
    clusterFacts({ repositories: [AWAY] }),
    /what is lost is not known: repository offsite cannot be read: it is not mounted; when it is back is not known either$/,
  ],
  ['one of two repositories is away', clusterFacts({ repositories: [AWAY, repositoryFacts()] }), /lose ≤ 6\.0 s, back in/],
  [
    'no drill measured a restore',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts({ measured: undefined }))] }),
    /lose ≤ 6\.0 s; when it is back is not known: no drill has measured a restore/,
  ],
  [
    'the drill did not pass',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts({ measured: { ...MEASURE, isPassed: false } }))] }),
    /which did not pass\)$/,
  ],
  [
    'WAL is missing since the backup',
    clusterFacts({
      repositories: [repositoryFacts(lineageFacts({ isCut: true, stretches: [{ from: ago(DAY), to: ago(HOUR), toLsn: 1n }] }))],
    }),
    /lose ≤ 1 h, for WAL is missing since the newest backup, back in/,
  ],
  [
    'dumps are all that is kept',
    clusterFacts({ limits: { ...NO_LIMITS, dumpsOnly: true }, repositories: [repositoryFacts(lineageFacts(dumpedAt({ app: 6 * HOUR })))] }),
    /lose ≤ 6 h, since the last dump; how long a restore takes is not measured$/,
  ],
  [
    'dumps are all that is kept, and no dump holds one of the databases',
    clusterFacts({
      limits: { ...NO_LIMITS, dumpsOnly: true },
      repositories: [repositoryFacts(lineageFacts(dumpedAt({ app: 6 * HOUR, payroll: undefined })))],
    }),
    /lose ≤ 6 h, since the last dump, and all of payroll, which is in none; how long/,
  ],
  [
    'the repository is on the host',
    clusterFacts({ repositories: [{ ...repositoryFacts(), isOnHost: true }] }),
    /; local is on the same host and has to survive it$/,
  ],
  [
    'the WAL tells no time and the server does not answer',
    clusterFacts({
      server: { kind: 'unknown', why: 'it is off' },
      repositories: [repositoryFacts(lineageFacts({ stretches: [{ from: ago(DAY), to: undefined, toLsn: 1n }] }))],
    }),
    /what is lost is not known: nothing in local tells how far its WAL reaches/,
  ],
])('promise: %s', (_what, cluster, text) => {
  expect(line(cluster)).toMatch(text);
});

test('promise: while a receiver runs the loss is never said to be less than how often it stores', () => {
  const spanOf = (cluster: ClusterFacts): number => {
    const { loss } = hostLoss(cluster, NOW);
    return loss.kind === 'span' ? loss.spanMs : Number.NaN;
  };
  expect(spanOf(clusterFacts())).toBe(6000);
  // Nobody receives: all that was written when the server was asked is stored, and that was 300 ms ago.
  expect(spanOf(clusterFacts({ server: { kind: 'known', value: serverFacts(idle) } }))).toBe(300);
  // Nobody receives and something is missing: since the last moment that is covered.
  expect(spanOf(clusterFacts({ server: { kind: 'known', value: serverFacts({ ...idle, writtenLsn: 0x6000_0001n }) } }))).toBe(4000);
  // Another cluster's server says nothing of this WAL.
  expect(spanOf(clusterFacts({ server: { kind: 'known', value: serverFacts({ ...idle, systemIdentifier: '8' }) } }))).toBe(4000);
  // The server is away: what the WAL itself tells.
  expect(spanOf(clusterFacts({ server: { kind: 'unknown', why: 'it is off' } }))).toBe(4000);
});

test('promise: a repository elsewhere is taken before one on the host, though that one would lose less', () => {
  const near = { ...repositoryFacts(), isOnHost: true };
  const far = { ...repositoryFacts(lineageFacts({ stretches: [{ from: ago(DAY), to: ago(60), toLsn: 1n }] })), name: 'offsite' };
  expect(hostLoss(clusterFacts({ repositories: [near, far] }), NOW)).toMatchObject({ repository: 'offsite', loss: { spanMs: 60_000 } });
});

test('estimate: what a drill measured is scaled up to the bytes and the WAL of now, never down, with a quarter more', () => {
  const at = (plainBytes: number, walBytes: number): number =>
    estimateRecovery(
      lineageFacts({
        newest: { label: 'b', kind: 'full', startedAt: NOW, finishedAt: NOW, startLsn: 0n, plainBytes, storedBytes: 0 },
        storedLsn: BigInt(walBytes),
      }),
    )?.spanMs ?? Number.NaN;
  expect(at(MEASURE.plainBytes, MEASURE.walBytes)).toBeCloseTo(280_000 * 1.25 + 5000);
  expect(at(MEASURE.plainBytes / 2, 0)).toBeCloseTo(280_000 * 1.25 + 5000);
  expect(at(MEASURE.plainBytes * 2 + MEASURE.walBytes, MEASURE.walBytes)).toBeCloseTo((240_000 * 2 + 40_000) * 1.25 + 5000);
  // 20 MB/s where the drill replayed too little to tell.
  expect(at(0, MEASURE.walBytes + 200_000_000)).toBeCloseTo((280_000 + 10_000) * 1.25 + 5000);
});

test('WAL lag: nothing is behind when all that was written is stored, whatever the time; nothing is known where one side is away', () => {
  const late = repositoryFacts(lineageFacts({ storedUntil: ago(HOUR) }));
  expect(walLag(late, { kind: 'known', value: serverFacts() }, NOW)).toEqual({ bytes: 0, spanMs: 0 });
  expect(walLag(late, { kind: 'known', value: serverFacts({ writtenLsn: 0x6000_1000n }) }, NOW)).toEqual({
    bytes: 4096,
    spanMs: 3_600_000,
  });
  expect(walLag(AWAY, { kind: 'known', value: serverFacts() }, NOW)).toBeUndefined();
  expect(walLag(late, { kind: 'unknown', why: 'it is off' }, NOW)).toBeUndefined();
});
