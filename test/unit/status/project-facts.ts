import type {
  ClusterFacts,
  JobFacts,
  LineageFacts,
  Limits,
  ProjectFacts,
  RepositoryFacts,
  RepositoryState,
  RestoreMeasure,
  ServerFacts,
} from '../../../src/status/facts.ts';

/** The moment of all these facts. */
export const NOW = new Date('2026-11-21T12:00:00Z');
export const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
export const HOUR = 3600;
export const DAY = 86_400;

export const NO_LIMITS: Limits = {
  dumpsOnly: false,
  walMode: 'stream',
  rpoMs: 5000,
  backupAgeMs: undefined,
  walLagMs: undefined,
  drillAgeMs: undefined,
  rtoMs: undefined,
  freeBytes: undefined,
  fullInMs: undefined,
  slotWalBytes: undefined,
};

export const MISMATCH = { audit: 'F2', pages: 3, emptied: 0, isClusterWrong: false };
export const MEASURE: RestoreMeasure = {
  label: '20261117T040000Z-drill',
  at: ago(4 * DAY + 8 * HOUR),
  isPassed: true,
  planMs: 1000,
  restoreMs: 240_000,
  recoveryMs: 30_000,
  rtoMs: 280_000,
  plainBytes: 2_000_000_000,
  walBytes: 100_000_000,
};

export const SEGMENT = 16 * 1024 * 1024;

export function serverFacts(over: Partial<ServerFacts> = {}): ServerFacts {
  return {
    askedAt: ago(0.3),
    version: '18.4',
    isStandby: false,
    systemIdentifier: '7',
    writtenLsn: 0x6000_0000n,
    walSegmentBytes: SEGMENT,
    sizeBytes: 2_400_000_000,
    archiver: undefined,
    slots: [{ name: 'dbadmin', kind: 'physical', isOurs: true, isActive: true, walStatus: 'reserved', keptBytes: 0 }],
    ...over,
  };
}

/** Databases, and how many seconds ago the last dump with all of each began. */
export function dumpedAt(seconds: Readonly<Record<string, number | undefined>>, limitMs?: number): Pick<LineageFacts, 'dumps' | 'dumpAt'> {
  const dumps = Object.entries(seconds).map(([database, each]) => ({ database, at: each === undefined ? undefined : ago(each), limitMs }));
  const moments = Object.values(seconds).flatMap((each) => each ?? []);
  return { dumps, dumpAt: moments.length === 0 ? undefined : ago(Math.max(...moments)) };
}

export function lineageFacts(over: Partial<LineageFacts> = {}): LineageFacts {
  const backup = {
    label: '20261121T020000Z-incr',
    kind: 'incremental',
    startedAt: ago(10 * HOUR),
    finishedAt: ago(10 * HOUR - 72),
    startLsn: 0x5c00_0000n,
    plainBytes: 2_400_000_000,
    storedBytes: 61_000_000,
  } as const;
  return {
    systemIdentifier: '7',
    timeline: 1,
    stretches: [{ from: ago(15 * DAY), to: ago(4), toLsn: 0x6000_0000n }],
    gaps: [],
    isCut: false,
    storedLsn: 0x6000_0000n,
    storedUntil: ago(4),
    backups: 19,
    ahead: [],
    newest: backup,
    newestFull: { ...backup, label: '20261101T020000Z-full', kind: 'full', startedAt: ago(20 * DAY), finishedAt: ago(20 * DAY - 600) },
    damaged: undefined,
    mismatches: [],
    unjudged: [],
    unreadable: [],
    dumps: [],
    dumpAt: undefined,
    drill: { label: MEASURE.label, verdict: 'passed', at: MEASURE.at },
    drillPassedAt: MEASURE.at,
    measured: MEASURE,
    drillFailed: undefined,
    verified: undefined,
    unsound: undefined,
    ...over,
  };
}

export function repositoryFacts(lineage: LineageFacts = lineageFacts(), over: Partial<RepositoryState> = {}): RepositoryFacts {
  return {
    name: 'local',
    place: '/srv/backup',
    isOnHost: false,
    state: {
      kind: 'known',
      value: {
        createdAt: ago(100 * DAY),
        writeProblem: undefined,
        freeBytes: 200e9,
        usage: { usedBytes: 41e9, growthBytesPerDay: 1e9 },
        lineage,
        ...over,
      },
    },
  };
}

export const AWAY: RepositoryFacts = { ...repositoryFacts(), name: 'offsite', state: { kind: 'unknown', why: 'it is not mounted' } };

export function clusterFacts(over: Partial<ClusterFacts> = {}): ClusterFacts {
  return {
    name: 'main',
    place: 'listening at 127.0.0.1:5432',
    server: { kind: 'known', value: serverFacts() },
    repositories: [repositoryFacts()],
    limits: NO_LIMITS,
    migrations: { kind: 'known', value: { database: 'listening', applied: 14, pending: 2, problems: 0, routines: 0 } },
    roles: { kind: 'known', value: { drift: 0, destructive: 0 } },
    ...over,
  };
}

export function jobFacts(over: Partial<JobFacts> = {}): JobFacts {
  return {
    name: 'listening.incremental',
    description: 'incremental backup of main',
    policy: 'listening',
    cluster: 'main',
    nextAt: ago(-14 * HOUR),
    timeZone: 'UTC',
    isPaused: false,
    pausedUntil: undefined,
    last: { kind: 'known', value: { startedAt: ago(10 * HOUR), endedAt: ago(10 * HOUR - 72), outcome: 'succeeded', message: undefined } },
    lastSuccess: { endedAt: ago(10 * HOUR - 72), durationMs: 72_000 },
    isToldByResult: false,
    missedAt: undefined,
    graceMs: 900_000,
    ...over,
  };
}

export function projectFacts(over: Partial<ProjectFacts> = {}): ProjectFacts {
  return {
    at: NOW,
    tool: '0.1.0',
    clusters: [clusterFacts()],
    jobs: [jobFacts()],
    policiesProblem: undefined,
    controlProblem: undefined,
    ...over,
  };
}

/** Everything is known, so that every metric has a sample. */
export function completeFacts(): ProjectFacts {
  return projectFacts({
    clusters: [
      clusterFacts({
        server: {
          kind: 'known',
          value: serverFacts({
            archiver: {
              archivedAt: ago(5),
              failedAt: ago(60),
              failedWal: '000000010000000000000042',
              failures: 1,
              waiting: { segments: 0, since: undefined },
            },
          }),
        },
        repositories: [repositoryFacts(lineageFacts({ ...dumpedAt({ app: 60 }), verified: { at: ago(60), isSound: true, faults: 0 } }))],
        limits: {
          dumpsOnly: false,
          walMode: 'stream',
          rpoMs: 5000,
          backupAgeMs: 26 * 3_600_000,
          walLagMs: 60_000,
          drillAgeMs: 8 * 86_400_000,
          rtoMs: 3_600_000,
          freeBytes: 1e9,
          fullInMs: 86_400_000,
          slotWalBytes: 1e9,
        },
      }),
    ],
    jobs: [jobFacts()],
  });
}
