/** Documents as the commands print them, of a repository larger than most: made up, the same at each run. */

const SEGMENT_BYTES = 16 * 1024 * 1024;
const HOUR_MS = 3_600_000;
const LINEAGE = '7710460996667266160';

export interface Size {
  readonly backups: number;
  readonly segments: number;
  /** Holes in the stored WAL, so many stretches but one. */
  readonly gaps: number;
}

export interface Synthetic {
  readonly info: object;
  readonly list: object;
  readonly ledger: object;
  readonly points: object;
}

/** A backup every three hours up to `now`, WAL without end between them but for the gaps, drills, migrations and restore points. */
export function syntheticBackups({ backups, segments, gaps }: Size, now: Date): Synthetic {
  const nowMs = now.getTime();
  const everyMs = 3 * HOUR_MS;
  const firstMs = nowMs - backups * everyMs;
  const perBackup = Math.floor(segments / backups);
  const list = Array.from({ length: backups }, (_, index) => {
    const endedMs = firstMs + index * everyMs;
    const kind = index % 56 === 0 ? 'full' : 'incremental';
    return {
      label: `${stamp(endedMs)}-${kind === 'full' ? 'full' : 'incr'}`,
      kind,
      systemIdentifier: LINEAGE,
      serverVersion: 170_010,
      tool: '0.1.0',
      startedAt: iso(endedMs - 40_000 - (index % 7) * 1000),
      finishedAt: iso(endedMs),
      startLsn: lsn(index * perBackup * SEGMENT_BYTES + 40),
      stopLsn: lsn(index * perBackup * SEGMENT_BYTES + 20_000),
      startTimeline: 1,
      stopTimeline: 1,
      walSegmentBytes: SEGMENT_BYTES,
      blockBytes: 8192,
      checksums: true,
      damage: index % 997 === 996 ? 'invalid page in block 7 of relation base/5/16384' : null,
      warnings: [],
      tablespaces: [],
      fileCount: 1300,
      plainBytes: 2_390_000_000 + index * 1000,
      newBlobs: 900,
      storedBytes: 61_000_000 + (index % 13) * 1_000_000,
      parent: kind === 'full' ? null : `${stamp(endedMs - everyMs)}-incr`,
      changedBytes: 412_000_000,
      proven: index % 100 === 0 ? drill(endedMs + HOUR_MS, `${stamp(endedMs)}-incr`) : null,
      holds: [],
    };
  });
  const edges = Array.from({ length: gaps + 1 }, (_, index) => Math.round(((index + 1) * backups) / (gaps + 1)));
  const stretches = edges.map((edge, index) => ({
    from: iso(firstMs + (edges[index - 1] ?? 0) * everyMs),
    to: iso(index === gaps ? nowMs : firstMs + edge * everyMs - 1_800_000),
    toLsn: lsn(edge * perBackup * SEGMENT_BYTES),
  }));
  const drills = Array.from({ length: Math.floor(backups / 56) }, (_, index) =>
    drill(
      firstMs + index * 56 * everyMs + 2 * HOUR_MS,
      `${stamp(firstMs + index * 56 * everyMs)}-full`,
      index % 40 === 39 ? 'failed' : 'passed',
    ),
  );
  return {
    info: {
      repository: 'local',
      systemIdentifier: LINEAGE,
      timeline: 1,
      timelines: [{ timeline: 1, parent: null, stretches }],
      windows: list.map(({ label, stopLsn, finishedAt }, index) => {
        const edge = edges.find((each) => index < each) ?? backups;
        return {
          backup: label,
          timeline: 1,
          fromLsn: stopLsn,
          toLsn: lsn(edge * perBackup * SEGMENT_BYTES),
          from: finishedAt,
          to: iso(firstMs + edge * everyMs),
        };
      }),
      gaps: stretches.slice(1).map((next, index) => ({
        timeline: 1,
        fromLsn: stretches[index]?.toLsn,
        toLsn: lsn((edges[index] ?? 0) * perBackup * SEGMENT_BYTES + SEGMENT_BYTES),
        reason: index % 3 === 0 ? 'hole' : 'slot-lost',
        noticedAt: next.from,
        from: stretches[index]?.to ?? null,
        to: next.from,
      })),
      wal: {
        segmentBytes: SEGMENT_BYTES,
        timelines: [
          {
            timeline: 1,
            runs: edges.map((edge, index) => ({
              fromLsn: lsn((edges[index - 1] ?? 0) * perBackup * SEGMENT_BYTES + (index === 0 ? 0 : SEGMENT_BYTES)),
              toLsn: lsn(edge * perBackup * SEGMENT_BYTES),
              segments: (edge - (edges[index - 1] ?? 0)) * perBackup - (index === 0 ? 0 : 1),
            })),
            open: [],
            horizon: { lsn: lsn(backups * perBackup * SEGMENT_BYTES), at: iso(nowMs) },
          },
        ],
      },
      dumps: Array.from({ length: Math.floor(backups / 8) }, (_, index) => `${stamp(firstMs + index * 8 * everyMs)}-dump`),
      drills,
      drill: drills.at(-1) ?? null,
      lastPassedDrill: drills.at(-1) ?? null,
      verified: null,
    },
    list: { repository: 'local', backups: list },
    ledger: {
      repository: 'local',
      entries: Array.from({ length: 400 }, (_, index) => {
        const atMs = firstMs + ((index + 0.5) / 400) * backups * everyMs;
        return {
          kind: 'migration-applied',
          text: `app before migration ${stamp(atMs).slice(0, 15)}_step_${index}.sql (applied ${iso(atMs)})`,
          at: iso(atMs),
          lsn: '0/1',
          timeline: 1,
          by: 'bench',
        };
      }),
    },
    points: {
      repository: 'local',
      timeline: 1,
      found: Array.from({ length: 1500 }, (_, index) => {
        const atMs = firstMs + ((index + 0.25) / 1500) * backups * everyMs;
        return { kind: 'restore-point', name: `before_release_${index}`, lsn: '0/1', endLsn: '0/2', time: iso(atMs), prepared: false };
      }),
      others: [],
      more: 0,
    },
  };
}

function drill(atMs: number, backup: string, verdict: 'passed' | 'failed' = 'passed'): object {
  return { label: `${stamp(atMs)}-drill`, systemIdentifier: LINEAGE, finishedAt: iso(atMs), backup, verdict };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function stamp(ms: number): string {
  return iso(ms).replaceAll(/[-:]|\.\d+/g, '');
}

function lsn(bytes: number): string {
  const hex = (value: bigint): string => value.toString(16).toUpperCase();
  return `${hex(BigInt(bytes) >> 32n)}/${hex(BigInt(bytes) & 0xffff_ffffn)}`;
}
