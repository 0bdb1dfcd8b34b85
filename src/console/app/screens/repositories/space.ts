import { roundAxis } from '../../parts/axis.ts';
import type { CurvePoint, ListedCluster, ObjectKind, Repository } from './documents.ts';

/** A part of the bar of space; all parts together are the whole. */
export interface SpacePart {
  readonly name: 'backups' | 'WAL' | 'dumps' | 'other' | 'free';
  readonly bytes: number;
}

const GROUPS: Readonly<Record<ObjectKind, SpacePart['name']>> = {
  packs: 'backups',
  indexes: 'backups',
  manifests: 'backups',
  marks: 'backups',
  wal: 'WAL',
  dumps: 'dumps',
  reports: 'other',
  leases: 'other',
  ledger: 'other',
  identity: 'other',
  other: 'other',
};

/** What the space of a repository goes to, and what is left of it where the store can tell. */
export function spaceParts({ kinds, freeBytes }: Pick<Repository, 'kinds' | 'freeBytes'>): readonly SpacePart[] {
  if (kinds === null) return [];
  const sums = new Map<SpacePart['name'], number>([
    ['backups', 0],
    ['WAL', 0],
    ['dumps', 0],
    ['other', 0],
  ]);
  for (const [kind, { bytes }] of Object.entries(kinds) as readonly (readonly [ObjectKind, { readonly bytes: number }])[]) {
    const name = GROUPS[kind];
    sums.set(name, (sums.get(name) ?? 0) + bytes);
  }
  const parts = [...sums].map(([name, bytes]) => ({ name, bytes }));
  return freeBytes === null ? parts : [...parts, { name: 'free', bytes: freeBytes }];
}

/** How many bytes of databases lie in one byte of packs; undefined where nothing does. */
export function savingOf({ plainBytes, packBytes }: Pick<ListedCluster, 'plainBytes' | 'packBytes'>): number | undefined {
  return packBytes === 0 || plainBytes === 0 ? undefined : plainBytes / packBytes;
}

export interface GrowthLine {
  /** Percent of the width and, from above, of the height; a step at each day that something was stored. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly ticks: readonly { readonly bytes: number; readonly y: number }[];
  readonly from: string;
  readonly to: string;
}

const DAY_MS = 86_400_000;

/** What was kept at the end of each day up to today; undefined while there are fewer than two days to draw. */
export function growthLine(curve: readonly CurvePoint[], today: string): GrowthLine | undefined {
  const [first, last] = [curve[0], curve.at(-1)];
  if (first === undefined || last === undefined || first.day >= today) return undefined;
  const dayOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) / DAY_MS;
  const [from, to] = [dayOf(first.day), dayOf(today)];
  const { span, ticks } = roundAxis(Math.max(...curve.map(({ keptBytes }) => keptBytes)));
  const place = (day: number, bytes: number): readonly [number, number] => [((day - from) / (to - from)) * 100, (1 - bytes / span) * 100];
  const points = curve.flatMap(({ day, keptBytes }, at) => {
    const before = curve[at - 1];
    const here = place(dayOf(day), keptBytes);
    return before === undefined ? [here] : [place(dayOf(day), before.keptBytes), here];
  });
  const end = place(to, last.keptBytes);
  return {
    points: last.day < today ? [...points, end] : points,
    ticks: ticks.map((bytes) => ({ bytes, y: (1 - bytes / span) * 100 })),
    from: first.day,
    to: today,
  };
}
