import { expect, test } from 'vitest';
import { badOnes, judgeProject } from '../../../src/status/conditions.ts';
import type { ArchiverFacts, ClusterFacts, JobFacts, Limits } from '../../../src/status/facts.ts';
import {
  ago,
  AWAY,
  clusterFacts,
  DAY,
  dumpedAt,
  HOUR,
  jobFacts,
  lineageFacts,
  MEASURE,
  MISMATCH,
  NO_LIMITS,
  projectFacts,
  repositoryFacts,
  SEGMENT,
  serverFacts,
} from './project-facts.ts';

const bad = (cluster: ClusterFacts, jobs: readonly JobFacts[] = []): readonly string[] =>
  badOnes(judgeProject(projectFacts({ clusters: [cluster], jobs }))).map(
    ({ kind, subject }) => `${kind}${subject === undefined ? '' : ` ${subject}`}`,
  );
const limited = (limits: Partial<Limits>, over: Partial<ClusterFacts> = {}): ClusterFacts =>
  clusterFacts({ limits: { ...NO_LIMITS, ...limits }, ...over });
const hours = (count: number): number => count * HOUR * 1000;
const slot = { name: 'old', kind: 'physical', isOurs: false, isActive: false, walStatus: 'extended', keptBytes: 5e9 } as const;
const own = { ...slot, name: 'dbadmin', isOurs: true, keptBytes: 1e6 };
const server = (over: Parameters<typeof serverFacts>[0]): Pick<ClusterFacts, 'server'> => ({
  server: { kind: 'known', value: serverFacts(over) },
});
const archiver = { archivedAt: ago(600), failedAt: ago(10), failedWal: '000000010000000000000042', failures: 12, waiting: undefined };
/** A cluster whose WAL is streamed, of which that many bytes are not stored, and nothing tells a moment of the last hour. */
const streamed = (over: Parameters<typeof serverFacts>[0], bytes: number): ClusterFacts =>
  limited(
    { walMode: 'stream' },
    {
      ...server(over),
      repositories: [repositoryFacts(lineageFacts({ storedLsn: serverFacts().writtenLsn - BigInt(bytes), storedUntil: ago(HOUR) }))],
    },
  );
/** A cluster whose WAL is archived, and what is stored of it: so many segments behind, known until so many seconds ago. */
const archiving = (
  over: Partial<ArchiverFacts>,
  segments: number,
  untilS: number | undefined,
  limits: Partial<Limits> = {},
): ClusterFacts =>
  limited(
    { walMode: 'archive', ...limits },
    {
      ...server({
        archiver: {
          archivedAt: ago(20),
          failedAt: undefined,
          failedWal: undefined,
          failures: 0,
          waiting: { segments: 0, since: undefined },
          ...over,
        },
        slots: [],
      }),
      repositories: [
        repositoryFacts(
          lineageFacts({
            storedLsn: 0x6000_0000n - BigInt(Math.round(segments * SEGMENT)),
            storedUntil: untilS === undefined ? undefined : ago(untilS),
          }),
        ),
      ],
    },
  );

test('conditions: where all is well nothing is bad, and everything was looked at', () => {
  const conditions = judgeProject(projectFacts());
  expect(badOnes(conditions)).toEqual([]);
  expect(conditions.filter(({ state }) => state === 'unknown')).toEqual([]);
});

test.each<[string, ClusterFacts, readonly string[]]>([
  [
    'an audit whose mismatch nobody has acknowledged',
    limited({}, { repositories: [repositoryFacts(lineageFacts({ mismatches: [MISMATCH] }))] }),
    ['backup-suspect local'],
  ],
  ['a backup older than its limit', limited({ backupAgeMs: hours(9) }), ['backup-late local']],
  [
    'a backup of which nothing tells how old it is',
    limited(
      { backupAgeMs: hours(9) },
      { repositories: [repositoryFacts(lineageFacts({ newest: undefined, ahead: ['20270601T020000Z-full'] }))] },
    ),
    ['backup-late local'],
  ],
  ['a backup within its limit', limited({ backupAgeMs: hours(11) }), []],
  [
    'no backup in a repository older than the limit',
    limited({ backupAgeMs: hours(9) }, { repositories: [repositoryFacts(lineageFacts(), { lineage: undefined })] }),
    ['backup-late local'],
  ],
  [
    'no backup in a repository just made',
    limited({ backupAgeMs: hours(9) }, { repositories: [repositoryFacts(lineageFacts(), { lineage: undefined, createdAt: ago(60) })] }),
    [],
  ],
  [
    'a dump older than its limit where dumps are all',
    limited(
      { dumpsOnly: true, walMode: 'none', backupAgeMs: hours(5) },
      { repositories: [repositoryFacts(lineageFacts(dumpedAt({ app: 6 * HOUR }, hours(5))))] },
    ),
    ['backup-late local'],
  ],
  [
    'a dump of each database within its limit where dumps are all',
    limited(
      { dumpsOnly: true, walMode: 'none', backupAgeMs: hours(5) },
      {
        repositories: [
          repositoryFacts(
            lineageFacts({ dumps: [...dumpedAt({ app: HOUR }, hours(5)).dumps, ...dumpedAt({ audit: 5 * DAY }, hours(200)).dumps] }),
          ),
        ],
      },
    ),
    [],
  ],
  [
    'a database that no dump holds where dumps are all',
    limited(
      { dumpsOnly: true, walMode: 'none', backupAgeMs: hours(5) },
      { repositories: [repositoryFacts(lineageFacts(dumpedAt({ app: HOUR, payroll: undefined }, hours(5))))] },
    ),
    ['backup-late local'],
  ],
  [
    'dumps of definitions only where dumps are all',
    limited({ dumpsOnly: true, walMode: 'none', backupAgeMs: hours(5) }, { repositories: [repositoryFacts(lineageFacts())] }),
    ['backup-late local'],
  ],
  [
    'damaged pages in the last backup',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts({ damaged: { label: 'x', damage: 'block 7' } }))] }),
    ['backup-damaged local'],
  ],
  [
    'a verification that found faults',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts({ unsound: { at: ago(60), faults: 2 } }))] }),
    ['verification-failed local'],
  ],
  [
    'one that read less and met nothing after it',
    clusterFacts({
      repositories: [
        repositoryFacts(lineageFacts({ verified: { at: ago(60), isSound: true, faults: 0 }, unsound: { at: ago(DAY), faults: 2 } })),
      ],
    }),
    ['verification-failed local'],
  ],
  [
    'a drill that failed',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts({ drillFailed: { label: 'd', at: ago(60), backup: undefined } }))] }),
    ['drill-failed local'],
  ],
  [
    'a drill that failed, and another backup that passed after it',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts({ drillFailed: { label: 'd', at: ago(40 * DAY), backup: 'b' } }))] }),
    ['drill-failed local'],
  ],
  ['a drill too old', limited({ drillAgeMs: 4 * DAY * 1000 }), ['drill-late local']],
  [
    'no drill ever',
    limited(
      { drillAgeMs: 8 * DAY * 1000 },
      { repositories: [repositoryFacts(lineageFacts({ drill: undefined, drillPassedAt: undefined, measured: undefined }))] },
    ),
    ['drill-late local'],
  ],
  ['a restore that takes too long', limited({ rtoMs: 300_000 }), ['restore-slow local']],
  [
    'a gap in the WAL since the newest backup',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts({ isCut: true }))] }),
    ['wal-gap local'],
  ],
  [
    'a gap in the WAL before the newest backup',
    clusterFacts({
      repositories: [repositoryFacts(lineageFacts({ gaps: [{ timeline: 1, fromLsn: '0/1', toLsn: '0/2', reason: 'slot lost' }] }))],
    }),
    [],
  ],
  [
    'WAL behind by more than the limit',
    limited({ walLagMs: 60_000 }, { repositories: [repositoryFacts(lineageFacts({ storedLsn: 1n, storedUntil: ago(61) }))] }),
    ['wal-lagging local'],
  ],
  [
    'WAL behind by less',
    limited({ walLagMs: 60_000 }, { repositories: [repositoryFacts(lineageFacts({ storedLsn: 1n, storedUntil: ago(59) }))] }),
    [],
  ],
  [
    'a standby whose primary is all but idle: only the last commit tells a time, and next to nothing is missing',
    streamed({ isStandby: true }, 56),
    [],
  ],
  ['a standby with much that is not stored', streamed({ isStandby: true }, 64 * 1024), ['wal-lagging local']],
  ['the same little of a primary, whose time is known while it is idle', streamed({}, 56), ['wal-lagging local']],
  ['an idle server that archives', archiving({ archivedAt: ago(HOUR) }, 200 / SEGMENT, HOUR, { walLagMs: 60_000 }), []],
  ['an archiver that keeps up, where no segment tells its time', archiving({}, 0.6, 20 * HOUR, { walLagMs: 60_000 }), []],
  [
    'what stays in the open segment for longer than the limit',
    archiving({ archivedAt: ago(HOUR) }, 0.6, HOUR, { walLagMs: 60_000 }),
    ['wal-lagging local'],
  ],
  ['the same without a limit: a server that fills one in a day', archiving({ archivedAt: ago(20 * HOUR) }, 0.6, 20 * HOUR), []],
  [
    'the moment in which that one is finished',
    archiving({ archivedAt: ago(20 * HOUR), waiting: { segments: 1, since: ago(1) } }, 1.1, 20 * HOUR),
    [],
  ],
  [
    'an archive_command that hangs',
    archiving({ archivedAt: ago(400), waiting: { segments: 3, since: ago(390) } }, 3.2, 400),
    ['archive-failing'],
  ],
  ['segments that the server archived elsewhere', archiving({}, 3.2, 400), ['wal-lagging local']],
  ['the same a moment ago', archiving({}, 3.2, 200), []],
  ['segments that are missing where the archiver may not be looked at', archiving({ waiting: undefined }, 3.2, 400), ['wal-lagging local']],
  ['the next one where the archiver may not be looked at', archiving({ waiting: undefined }, 1.2, 400), []],
  ['an archiver that is off where WAL is to be archived', limited({ walMode: 'archive' }, server({ slots: [] })), ['archive-failing']],
  ['no slot where WAL is streamed', clusterFacts(server({ slots: [] })), ['wal-not-received']],
  ['a slot of ours that nobody reads', clusterFacts(server({ slots: [own] })), ['wal-not-received']],
  [
    'the same where WAL is archived and it keeps much',
    limited({ walMode: 'archive' }, server({ archiver: { ...archiver, archivedAt: ago(5) }, slots: [{ ...own, keptBytes: 2e9 }] })),
    ['slot-abandoned'],
  ],
  ['a slot that nobody reads and that keeps much', clusterFacts(server({ slots: [{ ...own, isActive: true }, slot] })), ['slot-abandoned']],
  [
    'a slot that nobody reads and that keeps little',
    clusterFacts(
      server({
        slots: [
          { ...own, isActive: true },
          { ...slot, keptBytes: 1e6 },
        ],
      }),
    ),
    [],
  ],
  [
    'the same over a limit of its own',
    limited(
      { slotWalBytes: 5e5 },
      server({
        slots: [
          { ...own, isActive: true },
          { ...slot, keptBytes: 1e6 },
        ],
      }),
    ),
    ['slot-abandoned'],
  ],
  ['an archiver that fails', clusterFacts(server({ archiver, slots: [{ ...own, isActive: true }] })), ['archive-failing']],
  [
    'an archiver that failed before its last success',
    clusterFacts(server({ archiver: { ...archiver, archivedAt: ago(5) }, slots: [{ ...own, isActive: true }] })),
    [],
  ],
  [
    'a repository that takes nothing',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts(), { writeProblem: { isFull: true, message: 'no space left' } })] }),
    ['repository-full local'],
  ],
  ['less room than the policies ask for', limited({ freeBytes: 300e9 }), ['repository-full local']],
  [
    'less room than two backups take',
    clusterFacts({ repositories: [repositoryFacts(lineageFacts(), { freeBytes: 150e6 })] }),
    ['repository-full local', 'repository-filling local'],
  ],
  ['a repository that is soon full', limited({ fullInMs: 300 * DAY * 1000 }), ['repository-filling local']],
  ['a repository that is away', clusterFacts({ repositories: [repositoryFacts(), AWAY] }), ['repository-away offsite']],
  ['a server that is away', clusterFacts({ server: { kind: 'unknown', why: 'it is off' } }), ['server-away']],
])('conditions: %s', (_what, cluster, expected) => {
  expect(bad(cluster)).toEqual(expected);
});

test('conditions: every command that is to be run for a cluster names it, and where a repository has no WAL the one that may have it', () => {
  const repositories = ['local', 'offsite'].map((name) => ({ ...repositoryFacts(lineageFacts({ isCut: true })), name }));
  const conditions = judgeProject(
    projectFacts({ clusters: [clusterFacts({ repositories, ...server({ archiver, slots: [own] }) })], jobs: [] }),
  );
  const commands = conditions.flatMap(({ cluster, next }) =>
    (cluster === undefined ? '' : next)
      .split(/(?=dbadmin )/)
      .filter((part) => /^dbadmin (backup (run|dump|verify|expire|check)|repository sync|restore|wal (push|receive (?!or )))/.test(part)),
  );
  expect(commands.length).toBeGreaterThan(10);
  expect(commands.filter((command) => !command.includes('--cluster main'))).toEqual([]);
  expect(conditions.find(({ kind, subject }) => kind === 'wal-gap' && subject === 'offsite')?.next).toBe(
    'where local has that WAL, dbadmin repository sync --cluster main --from local --to offsite; else, for a new beginning: dbadmin backup run --cluster main --repository offsite',
  );
});

test.each<[string, Partial<JobFacts>, readonly string[]]>([
  [
    'failed',
    { last: { kind: 'known', value: { startedAt: ago(60), endedAt: ago(50), outcome: 'failed', message: 'exit 1' } } },
    ['job-failed listening.incremental'],
  ],
  [
    'failed, which its result tells of by itself',
    {
      isToldByResult: true,
      last: { kind: 'known', value: { startedAt: ago(60), endedAt: ago(50), outcome: 'failed', message: 'exit 3' } },
    },
    [],
  ],
  ['was due and did not run', { missedAt: ago(1000) }, ['job-late listening.incremental']],
  ['was due just now', { missedAt: ago(800) }, []],
  ['was due and is paused', { missedAt: ago(1000), isPaused: true }, []],
  [
    'was due and still runs',
    {
      missedAt: ago(1000),
      last: { kind: 'known', value: { startedAt: ago(2 * HOUR), endedAt: undefined, outcome: 'running', message: undefined } },
    },
    [],
  ],
  ['was due, while nobody can read what ran', { missedAt: ago(1000), unread: 'it is off' }, []],
  ['has no records', { last: { kind: 'unknown', why: 'no records' }, missedAt: undefined }, []],
])('conditions: a job that %s', (_what, over, expected) => {
  expect(bad(clusterFacts(), [jobFacts(over)])).toEqual(expected);
});

test('conditions: what a repository that is away holds is not known, so that nothing raised is over by mistake', () => {
  const conditions = judgeProject(
    projectFacts({ clusters: [limited({ backupAgeMs: 1, drillAgeMs: 1, rtoMs: 1, walLagMs: 1 }, { repositories: [AWAY] })], jobs: [] }),
  );
  const unknown = conditions.filter(({ state }) => state === 'unknown').map(({ kind }) => kind);
  expect(unknown.toSorted()).toEqual([
    'backup-damaged',
    'backup-late',
    'backup-suspect',
    'drill-failed',
    'drill-late',
    'repository-filling',
    'repository-full',
    'restore-slow',
    'verification-failed',
    'wal-gap',
    'wal-lagging',
  ]);
});

test('conditions: a repository that is full or away is told of once, and not again by the WAL that waits for it', () => {
  const full = repositoryFacts(lineageFacts({ storedLsn: 1n, storedUntil: ago(HOUR) }), {
    writeProblem: { isFull: true, message: 'no space left' },
  });
  const waiting = server({ slots: [own] });
  expect(bad(limited({ walLagMs: 60_000 }, { ...waiting, repositories: [full] }))).toEqual(['repository-full local']);
  expect(bad(limited({ walLagMs: 60_000 }, { ...waiting, repositories: [AWAY] }))).toEqual(['repository-away offsite']);
});

test('conditions: everything that is bad says what to do next, without an empty word', () => {
  const everything = limited(
    { backupAgeMs: 1, drillAgeMs: 1, rtoMs: 1, walLagMs: 1, freeBytes: 1e15, fullInMs: 1e12 },
    {
      ...server({ archiver, slots: [own, slot], writtenLsn: 0x7000_0000n }),
      repositories: [
        repositoryFacts(
          lineageFacts({
            isCut: true,
            measured: MEASURE,
            damaged: { label: 'x', damage: 'y' },
            verified: { at: ago(1), isSound: true, faults: 0 },
            unsound: { at: ago(2), faults: 1 },
            drillFailed: { label: 'd', at: ago(9), backup: 'b' },
          }),
        ),
        AWAY,
      ],
    },
  );
  const all = badOnes(judgeProject(projectFacts({ clusters: [everything], policiesProblem: 'line 3', controlProblem: 'no answer' })));
  expect(all.length).toBeGreaterThanOrEqual(14);
  for (const { what, next, kind } of all) {
    expect([kind, what.length > 20, next.length > 20, /undefined|NaN|\.$/.test(what)]).toEqual([kind, true, true, false]);
  }
});

test('conditions: finished segments that are missing, and nothing that tells since when, are not known to be well', () => {
  const [lagging] = judgeProject(projectFacts({ clusters: [archiving({}, 3.2, undefined)], jobs: [] })).filter(
    ({ kind }) => kind === 'wal-lagging',
  );
  expect(lagging).toMatchObject({ state: 'unknown', what: expect.stringMatching(/behind, and nothing tells since when$/) as string });
});
