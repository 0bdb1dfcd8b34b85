import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { readMoments } from '../../../src/backup/recovery-inspect.ts';
import { applyRestore } from '../../../src/backup/restore/apply.ts';
import { inspectRestore, type Preflight } from '../../../src/backup/restore/inspect.ts';
import { formatMomentUs, targetUs, timeTarget, type RestoreTarget } from '../../../src/backup/restore/target.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';
import { startCluster, stopCluster } from '../../../src/postgres/server.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makeBranches, readBranch, seeded, type BranchStory } from '../../backup/branches.ts';
import { makeDirectory, removeDirectory, restore } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';

const TARGETS = Number(process.env['DBADMIN_TEST_TARGETS'] ?? '12');
const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');
/** One after the other, by the hour: runs of one day meet all of them, and so do those at the same hour of each day, since a day is no multiple of five. */
const MAJORS = [14, 15, 16, 17, 18];
const MAJOR = Number(process.env['DBADMIN_TEST_MAJOR'] ?? MAJORS[majorOfNow()]);
if (!MAJORS.includes(MAJOR)) throw new Error(`DBADMIN_TEST_MAJOR is one of ${MAJORS.join(', ')}`);
process.stderr.write(`random recovery targets: DBADMIN_TEST_MAJOR=${MAJOR} DBADMIN_TEST_SEED=${SEED}\n`);

function majorOfNow(): number {
  return Math.floor(Date.now() / 3_600_000) % MAJORS.length;
}

interface Wanted {
  readonly target: RestoreTarget;
  readonly exclusive: boolean;
  readonly timeline: number;
}

interface Reached extends Wanted {
  readonly preflight: Preflight;
  readonly expected: ReadonlySet<string>;
}

let directory: string;
let repository: Repository;
const stories = new Map<number, BranchStory>();
/** By timeline: up to which moment it is known that nothing else was committed, microseconds since 1970. */
const knownUs = new Map<number, bigint>();

beforeAll(async () => {
  directory = await makeDirectory();
  repository = await makeBranches(MAJOR, directory, seeded(SEED), TARGETS > 12 ? 6000 : 2500);
  const contents = await inspectLineage(repository, 'main');
  const moments = await readMoments(contents);
  for (const timeline of [1, 2, 3]) {
    const story = await readBranch(repository, timeline);
    stories.set(timeline, story);
    const horizon = contents.coverage.timelines.get(timeline)?.horizon;
    const seen = [...moments.filter((each) => each.timeline === timeline), ...(horizon === undefined ? [] : [horizon])];
    const until = seen.flatMap(({ lsn, at }) => (lsn <= story.oldest.reach ? [BigInt(at.getTime()) * 1000n] : []));
    knownUs.set(
      timeline,
      [...until, story.commits.at(-1)?.time ?? 0n].reduce((last, each) => (each > last ? each : last)),
    );
  }
}, 600_000);
afterAll(async () => await removeDirectory(directory));

/** A target of a random kind somewhere in a branch, now and then outside of what can be reached. */
function randomTarget(random: () => number, story: BranchStory, all: readonly BranchStory[]): Wanted {
  const { ends, commits, oldest, validUntil, lineage } = story;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const commit = pick(commits);
  const base = { exclusive: random() < 0.4, timeline: lineage.timeline };
  const kind = random();
  if (kind < 0.3) {
    const shiftMs = random() < 0.9 ? 0 : (random() - 0.5) * 20_000;
    // As often as not the very time of a commit, as it is shown.
    const us = random() < 0.5 ? commit.time : commit.time + BigInt(Math.floor((random() * 3 - 1 + shiftMs) * 1000));
    return { ...base, target: timeTarget(formatMomentUs(us), new Date()) };
  }
  if (kind < 0.6) {
    const span = Number(validUntil - oldest.startLsn);
    const lsn = random() < 0.4 ? commit.lsn : oldest.startLsn + BigInt(Math.floor(random() * span * 1.05));
    return { ...base, target: { kind: 'lsn', lsn } };
  }
  if (kind < 0.85) {
    const end = pick(random() < 0.9 ? ends : pick(all).ends);
    return { ...base, target: { kind: 'xid', xid: 'xid' in end ? String(end.xid) : '4000000' } };
  }
  const points = (random() < 0.8 ? story : pick(all)).ends.flatMap((end) => (end.kind === 'restore-point' ? [end.name] : []));
  return { ...base, target: { kind: 'name', name: pick(points) } };
}

/** Where in the WAL the target lies: commits up to here come back. Undefined when it cannot be reached. */
function cutOf({ target, exclusive }: Wanted, story: BranchStory): { readonly lsn: bigint; readonly inclusive: boolean } | undefined {
  const { oldest, commits, records, validUntil } = story;
  const within = (lsn: bigint | undefined) => (lsn === undefined || lsn < oldest.stopLsn ? undefined : { lsn, inclusive: !exclusive });
  switch (target.kind) {
    case 'time': {
      const us = targetUs(target);
      const later = commits.find(({ time }) => time > us || (exclusive && time === us));
      // Behind the last commit: reached where the receiver saw that nothing more was committed until then, else nobody knows what is missing.
      if (later === undefined) return us <= (knownUs.get(story.lineage.timeline) ?? 0n) ? { lsn: validUntil, inclusive: true } : undefined;
      const earlier = commits.some(({ lsn }) => lsn < later.lsn);
      if (later.lsn < oldest.stopLsn || (!earlier && target.at.getTime() < Date.parse(oldest.backup.finishedAt))) return undefined;
      return { lsn: later.lsn, inclusive: false };
    }
    case 'lsn': {
      if (target.lsn < oldest.stopLsn || target.lsn > validUntil) return undefined;
      const record = records.find((lsn) => lsn >= target.lsn);
      return record === undefined ? { lsn: validUntil, inclusive: true } : { lsn: record, inclusive: !exclusive };
    }
    case 'xid':
    case 'name':
      return within(recordOf(target, story));
    case 'immediate':
    case 'latest':
      return undefined;
  }
}

/** Where the record of a transaction or restore point lies on a branch. Undefined when it has none. */
function recordOf(target: RestoreTarget, { ends }: BranchStory): bigint | undefined {
  switch (target.kind) {
    case 'xid':
      return ends.find(
        (end) => end.kind !== 'restore-point' && (String(end.xid) === target.xid || end.subtransactions.includes(Number(target.xid))),
      )?.lsn;
    case 'name':
      return ends.find((end) => end.kind === 'restore-point' && end.name === target.name)?.lsn;
    case 'time':
    case 'lsn':
    case 'immediate':
    case 'latest':
      return undefined;
  }
}

test(`${TARGETS} random targets over three timelines each give exactly the prefix in WAL commit order, or are refused for a reason`, async () => {
  const random = seeded(SEED + 1);
  const all = [...stories.values()];
  const reached: Reached[] = [];
  const kinds: Record<string, number> = {};
  let refused = 0;
  for (let index = 0; index < TARGETS; index += 1) {
    const story = all[index % all.length] as BranchStory;
    const wanted = randomTarget(random, story, all);
    const what = JSON.stringify(wanted, (_, value: unknown) => (typeof value === 'bigint' ? formatLsn(value) : value));
    const cut = cutOf(wanted, story);
    kinds[wanted.target.kind] = (kinds[wanted.target.kind] ?? 0) + 1;
    const request = {
      repository,
      clusterName: 'main',
      systemIdentifier: undefined,
      backup: undefined,
      tablespaces: new Map<string, string>(),
    };
    const preflight = await inspectRestore({ ...request, ...wanted, dataDirectory: path.join(directory, 'none') }).catch(
      (error: unknown) => {
        if (!(error instanceof DbadminError)) throw error;
        expect(error.code, what).toBe('target-unreachable');
        expectNamed(error, wanted, story, all, what);
        return undefined;
      },
    );
    if (preflight === undefined) {
      expect(cut, `${what} was refused`).toBeUndefined();
      refused += 1;
      continue;
    }
    expect(cut, `${what} was not refused`).toBeDefined();
    const isIn = (lsn: bigint): boolean => cut === undefined || lsn < cut.lsn || (cut.inclusive && lsn === cut.lsn);
    const inside = story.commits.filter(({ lsn }) => isIn(lsn));
    const { before, after } = preflight.resolution;
    expect([before?.lsn, after?.lsn], what).toEqual([
      inside.findLast(({ lsn }) => lsn >= candidateStart(preflight, story))?.lsn,
      story.commits.find(({ lsn }) => !isIn(lsn))?.lsn,
    ]);
    reached.push({ ...wanted, preflight, expected: new Set(inside.map(({ xid }) => String(xid))) });
  }
  const started = Date.now();
  for (const timeline of [1, 2, 3])
    for (const label of new Set(reached.map(({ preflight }) => preflight.resolution.backup.label)))
      await replayAll(
        reached.filter((each) => each.timeline === timeline && each.preflight.resolution.backup.label === label),
        `${timeline}-${label}`,
      );
  const commits = all.map((story) => story.commits.length).join(', ');
  process.stderr.write(
    `targets: ${JSON.stringify(kinds)}, ${reached.length} reached and ${refused} refused, over ${commits} commits of timelines 1, 2, 3; seed ${SEED}; ${Date.now() - started} ms of recoveries\n`,
  );
  expect(reached.length).toBeGreaterThan(TARGETS / 3);
}, 3_000_000);

/**
 * A refusal names what was asked for, and what can be reached instead: the timelines that have it, the end of the WAL that is there, or
 * stretches that the target is not in.
 */
function expectNamed(error: DbadminError, wanted: Wanted, story: BranchStory, all: readonly BranchStory[], what: string): void {
  const { target } = wanted;
  const told = `${what}: ${error.message}: ${error.detail ?? ''}`;
  const asked = nameOf(target);
  expect(error.message, told).toContain(asked);
  const others = recordOf(target, story) === undefined ? all.filter((each) => recordOf(target, each) !== undefined) : [];
  if (others.length > 0) {
    const timelines = others.map(({ lineage }) => lineage.timeline).sort((a, b) => a - b);
    expect(error.message, told).toContain(
      ` lies on timeline${timelines.length === 1 ? '' : 's'} ${timelines.join(' and ')}, which timeline `,
    );
    expect(error.hint, told).toBe(`Give --timeline ${timelines.join(' or ')}.`);
    for (const each of others) expect(cutOf(wanted, each), told).toBeDefined();
    return;
  }
  const lastLsn = story.commits.at(-1)?.lsn ?? 0n;
  const end = /^The WAL ends at ([0-9A-F]+\/[0-9A-F]+)/.exec(error.detail ?? '');
  if (end !== null) {
    expect(target.kind, told).toBe('time');
    expect(parseLsn(end[1] ?? ''), told).toBe(story.oldest.reach);
    const known = knownUs.get(story.lineage.timeline) ?? 0n;
    expect(error.detail, told).toContain(`the last moment it is known to cover is ${formatMomentUs(known)}`);
    return;
  }
  const stretches = [...(error.detail ?? '').matchAll(/from (.+?) at (\S+) \(backup (\S+)\) to ([0-9A-F]+\/[0-9A-F]+)/g)];
  expect(stretches.length, told).toBeGreaterThan(0);
  for (const [, , from = '', label = '', to = ''] of stretches) {
    expect(label, told).toMatch(/^\d{8}T\d{6}Z-(full|incr)/);
    const [begins, ends] = [parseLsn(from), parseLsn(to)];
    expect(begins, told).toBeGreaterThanOrEqual(story.oldest.stopLsn);
    expect(ends, told).toBeGreaterThan(lastLsn);
    if (target.kind === 'lsn') expect(begins <= target.lsn && target.lsn <= ends, told).toBe(false);
  }
}

function nameOf(target: RestoreTarget): string {
  switch (target.kind) {
    case 'time':
      return formatMomentUs(targetUs(target));
    case 'lsn':
      return `position ${formatLsn(target.lsn)}`;
    case 'xid':
      return `transaction ${target.xid}`;
    case 'name':
      return `restore point "${target.name}"`;
    case 'immediate':
    case 'latest':
      return target.kind;
  }
}

/** Commits before the chosen backup's start are in its files and not in its WAL. */
function candidateStart({ resolution }: Preflight, story: BranchStory): bigint {
  return resolution.backup.label === story.oldest.backup.label
    ? 0n
    : (story.commits.find(({ lsn }) => formatLsn(lsn) >= resolution.backup.startLsn)?.lsn ?? 0n);
}

/** One cluster is laid down for all targets of a timeline and recovers from one to the next, as each preflight says. */
async function replayAll(targets: readonly Reached[], name: string): Promise<void> {
  // An inclusive position takes the first record from it on, so what counts is where that one begins.
  const position = ({ timeline, preflight: { resolution } }: Reached): bigint => {
    const { end } = resolution;
    if (end.kind !== 'lsn') return 0n;
    const record = stories.get(timeline)?.records.find((lsn) => lsn >= end.lsn) ?? end.lsn;
    return record * 2n + (end.inclusive ? 1n : 0n);
  };
  const sorted = [...targets].sort((a, b) => (position(a) < position(b) ? -1 : 1));
  const last = sorted.at(-1);
  if (last === undefined) return;
  const into = path.join(directory, `recovery-${name}`);
  const programs = await embeddedPrograms(MAJOR);
  const port = await freePort();
  const request = {
    repository,
    clusterName: 'main',
    systemIdentifier: undefined,
    backup: last.preflight.resolution.backup.label,
    tablespaces: new Map<string, string>(),
  };
  const preflight = await inspectRestore({
    ...request,
    target: last.target,
    exclusive: last.exclusive,
    timeline: last.timeline,
    dataDirectory: into,
  });
  await applyRestore({
    preflight,
    port,
    clusterName: 'restored',
    action: 'pause',
    programs,
    owner: programs.runAs,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  try {
    for (const each of sorted) {
      await setEnd(path.join(into, 'postgresql.auto.conf'), each.preflight);
      await startCluster(programs, into, path.join(into, 'log'));
      const present = await pausedState(port).catch(async (error: unknown) => {
        const log = await readFile(path.join(into, 'log'), 'utf8');
        throw new Error(`recovery did not pause: ${log.split('\n').slice(-12).join('\n')}`, { cause: error });
      });
      await stopCluster(programs, into, 'fast');
      const { expected } = each;
      const what = JSON.stringify(each.target, (_, value: unknown) => (typeof value === 'bigint' ? formatLsn(value) : value));
      const rows = await rowsOf(each.timeline);
      expect(
        [...present].filter((xid) => !expected.has(xid)),
        `${what}: more than the prefix`,
      ).toEqual([]);
      expect(
        [...expected].filter((xid) => rows.has(xid) && !present.has(xid)),
        `${what}: less than the prefix`,
      ).toEqual([]);
    }
  } finally {
    await stopCluster(programs, into, 'immediate');
    await removeDirectory(into);
    await removeDirectory(`${into}.wal`);
  }
}

async function setEnd(file: string, { resolution: { end } }: Preflight): Promise<void> {
  const kept = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => !/^recovery_target(_lsn|_inclusive|_time|_xid|_name)? =/.test(line));
  const lines =
    end.kind === 'lsn'
      ? [`recovery_target_inclusive = ${end.inclusive ? 'on' : 'off'}`, `recovery_target_lsn = '${formatLsn(end.lsn)}'`]
      : [`recovery_target = 'immediate'`];
  await writeFile(file, `${[...kept, ...lines].join('\n')}\n`);
}

/** Waits until recovery has paused at its target, and gives the transactions whose rows are there. */
async function pausedState(port: number): Promise<ReadonlySet<string>> {
  const sql = postgres(`postgresql://postgres@127.0.0.1:${port}/postgres`, { max: 1, onnotice: () => undefined });
  try {
    for (;;) {
      const [row] = await sql<{ state: string }[]>`select pg_get_wal_replay_pause_state() as state`;
      if (row?.state === 'paused') break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const rows = await sql<{ xid: string }[]>`select xid::text from numbered`;
    return new Set(rows.map(({ xid }) => xid));
  } finally {
    await sql.end();
  }
}

const written = new Map<number, ReadonlySet<string>>();

/** The transactions of a timeline that wrote a row, by its whole WAL: the others leave nothing to be seen. */
async function rowsOf(timeline: number): Promise<ReadonlySet<string>> {
  const known = written.get(timeline);
  if (known !== undefined) return known;
  const into = path.join(directory, `whole-${timeline}`);
  const whole = await restore({ repository, target: { kind: 'latest' }, timeline, into });
  const sql = postgres(whole.url, { max: 1 });
  const rows = new Set((await sql<{ xid: string }[]>`select xid::text from numbered`).map(({ xid }) => xid));
  await sql.end();
  await whole.stop();
  await removeDirectory(into);
  written.set(timeline, rows);
  return rows;
}
