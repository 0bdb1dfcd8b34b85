import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isDbadminError, messageOf } from '../../src/base/errors.ts';
import { findClientProgram } from '../../src/postgres/programs.ts';
import { makeDirectory, removeDirectory, restore } from '../backup/repository.ts';
import { fingerprint, seededRandom } from '../backup/workload.ts';
import { startTestCluster } from '../postgres/fixture.ts';
import { FAULT_KINDS, type FaultKind } from './broken-store.ts';
import type { Acknowledged, ChildAnswer } from './sweep-child.ts';
import { SWEPT, type Swept } from './sweep-operations.ts';
import { isDone, PROMISES, restoredTrees, type Reference } from './sweep-promises.ts';
import { labelsOf, reachesOf, Scene } from './sweep-scene.ts';

/**
 * Fault points tried in each operation and kind of fault; 0 for every one: npm run test:sweep. Unless given, one in which each operation
 * fails and one in which it is killed.
 */
const POINTS = countOf('DBADMIN_TEST_SWEEP');
/** Which operations: all of them, or those named here with commas between them. */
const OPERATIONS = namedOperations(process.env['DBADMIN_TEST_SWEPT']);
const SEED = countOf('DBADMIN_TEST_SEED') ?? 20261121;
const TIMEOUT_MS = 120_000 + (POINTS === 0 ? 7_200_000 : (POINTS ?? 1) * 300_000);
/** All that was received is verified each time: so often a repository begins anew. */
const RECEIVED_ANEW_EVERY = 12;
/** They write nothing, and can neither lose an answer nor be torn. */
const READING: readonly Swept[] = ['restore', 'get'];
/**
 * Which calls are made is not the same each time, and one that was chosen may not be. In its place one half as far is tried, until one is
 * met. Of so many chosen ones most have to be met themselves: else others are tried than those that were counted.
 */
const MANY_POINTS = 8;
/** On a machine that is busy a reception makes few calls in its time. */
const TIMES_AT_MOST = 10;

const random = seededRandom(SEED);
/** What came of the points, a line for each operation and kind. */
const points: string[] = [];
let tried = 0;
let directory: string;

beforeAll(async () => {
  directory = await makeDirectory();
});

afterAll(async () => {
  await removeDirectory(directory);
  process.stderr.write(`fault points tried: ${tried} (seed ${SEED})\n${points.map((line) => `  ${line}\n`).join('')}`);
});

describe('a fault at one call of the storage: nothing acknowledged is lost, what is there stays whole, and the same again is done', () => {
  let scene: Scene;

  beforeAll(async () => {
    const place = path.join(directory, 'scene');
    await mkdir(place);
    scene = new Scene(await startTestCluster({ major: 18, settings: { summarize_wal: 'on', autovacuum: 'off' } }), place);
    await scene.prepare();
  });

  afterAll(async () => await scene?.stop());

  test.for(OPERATIONS.filter((each) => each !== 'dump' && each !== 'receive'))(
    '%s',
    { timeout: TIMEOUT_MS },
    async (operation) => await sweep(scene, operation, operation === 'expire' ? 'many' : 'plain'),
  );

  // The last: it drops the slot.
  test.skipIf(!OPERATIONS.includes('receive'))('receive', { timeout: TIMEOUT_MS }, async () => {
    await sweep(scene, 'receive', undefined);
    await scene.receiveAll();
    const rows = await fingerprint(scene.sql);
    const into = path.join(directory, 'clone');
    const clone = await restore({ repository: await scene.repository(), target: { kind: 'latest' }, into });
    const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
    expect(await fingerprint(reader)).toEqual(rows);
    await reader.end();
    await clone.stop();
  });
});

test.skipIf(!OPERATIONS.includes('dump'))('a fault at one call of the storage: dump', { timeout: TIMEOUT_MS }, async (context) => {
  const pgDump = await findClientProgram('pg_dump', { atLeastMajor: 14 }, process.env).catch((error: unknown) => {
    if (isDbadminError(error, 'program-missing')) return undefined;
    throw error;
  });
  if (pgDump === undefined) {
    context.skip('no pg_dump on this machine');
    return;
  }
  const place = path.join(directory, 'dumps');
  await mkdir(place);
  const scene = new Scene(await startTestCluster({ major: Math.min(pgDump.major, 18) }), place);
  try {
    await scene.prepareForDumps();
    await sweep(scene, 'dump', 'plain');
  } finally {
    await scene.stop();
  }
});

/** `template`: what the operation finds each time; undefined where it goes on with what there is. */
async function sweep(scene: Scene, operation: Swept, template: string | undefined): Promise<void> {
  const lay = async (): Promise<void> => (template === undefined ? await layForReceiving(scene) : await scene.lay(template));
  await lay();
  const { calls, acknowledged } = await runUnbroken(scene, operation);
  const trees: Reference['trees'] = operation === 'restore' ? await restoredTrees(scene) : new Map();
  const failures: Error[] = [];
  const fails = (what: string, cause?: unknown): void => {
    // The others are tried all the same: what they have in common tells more than the first.
    failures.push(new Error(cause === undefined ? what : `${what}: ${messageOf(cause)}`, { cause }));
    process.stderr.write(`${failures.at(-1)?.message}\n`);
  };
  for (const kind of kindsOf(operation, calls)) {
    const came: Came = { done: 0, failed: 0, killed: 0, missed: 0, broken: 0 };
    const chosen = pointsOf(calls[kind]);
    let metInstead = 0;
    if (chosen.length === 0) fails(`${operation}, ${kind}: has no call that can go wrong so`);
    for (const [n, first] of chosen.entries()) {
      let isMet = false;
      for (let [at, times] = [first, 1]; !isMet; [at, times] = [Math.floor(at / 2), times + 1]) {
        if (template !== undefined || n % RECEIVED_ANEW_EVERY === 0) await lay();
        if (operation === 'backup' || operation === 'receive') await scene.change();
        const point = `${kind} at ${at} of ${calls[kind]} calls`;
        tried += 1;
        try {
          const what = await tryPoint(scene, operation, { kind, at, point }, { acknowledged, trees });
          came[what] += 1;
          isMet = what !== 'missed';
          if (!isMet && times === 1) metInstead += 1;
          if (!isMet && times === TIMES_AT_MOST) throw new Error(`not met in ${times} times`);
        } catch (error) {
          fails(`${operation}, ${point}`, error);
          came.broken += 1;
          isMet = true;
          await lay();
        }
      }
    }
    const line = `${operation}, ${kind}: ${calls[kind]} calls; ${came.done} done all the same, ${came.failed} failed, ${came.killed} killed, ${came.missed} not reached, ${came.broken} broke a promise`;
    process.stderr.write(`${line}\n`);
    points.push(line);
    if (chosen.length >= MANY_POINTS && metInstead > chosen.length / 2) fails(`${line}: most were not reached`);
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} failures:\n${failures.map(({ message }) => message).join('\n')}`);
}

/** How many calls can go wrong in each way, and what comes of it when none does. */
async function runUnbroken(scene: Scene, operation: Swept): Promise<Acknowledged & { readonly calls: ChildAnswer['calls'] }> {
  for (let times = 1; ; times += 1) {
    await scene.change();
    const { calls, outcome } = await scene.breakAt(operation, 'fails', -1);
    if (calls === undefined || !isDone(outcome)) throw new Error(`${operation} fails with no fault: ${JSON.stringify(outcome)}`);
    if (operation !== 'receive' || times === TIMES_AT_MOST || FAULT_KINDS.every((kind) => calls[kind] > 0)) return { calls, ...outcome };
  }
}

/** What came of points, how many calls were not made that were to go wrong, and after how many something was not as promised. */
interface Came {
  done: number;
  failed: number;
  killed: number;
  missed: number;
  broken: number;
}

interface Point {
  readonly kind: FaultKind;
  readonly at: number;
  /** The same in words. */
  readonly point: string;
}

/** One fault, what is promised after it, and the same operation once more; gives what came of the first. */
async function tryPoint(
  scene: Scene,
  operation: Swept,
  { kind, at, point }: Point,
  unbroken: Omit<Reference, 'before' | 'reaches'>,
): Promise<keyof Came> {
  const reaches = await reachesOf(await scene.repository());
  const reference = { ...unbroken, before: [...reaches.keys()], reaches };
  const { calls, outcome } = await scene.breakAt(operation, kind, at);
  await PROMISES[operation](scene, outcome, reference, `${point}: ${JSON.stringify(outcome)}`);
  await again(scene, operation, reference, point);
  if (outcome === undefined) return 'killed';
  if (calls !== undefined && calls[kind] <= at) return 'missed';
  return isDone(outcome) ? 'done' : 'failed';
}

/** The same once more is done, and a backup after it. */
async function again(scene: Scene, operation: Swept, reference: Reference, what: string): Promise<void> {
  // Dumps are named by the second.
  if (operation === 'dump') await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
  const acknowledged = await scene.run(operation).catch((error: unknown) => {
    throw new Error(`${what}: the same again fails`, { cause: error });
  });
  await PROMISES[operation](scene, { acknowledged, passedOver: [] }, reference, `${what}; the same again`);
  if (operation !== 'expire' && operation !== 'rebuild' && operation !== 'receive') return;
  const taken = await scene.run('backup');
  expect(await labelsOf(await scene.repository()), what).toEqual(expect.arrayContaining([...taken]));
}

async function layForReceiving(scene: Scene): Promise<void> {
  await scene.clear();
  await scene.run('backup');
  await scene.run('receive');
}

function kindsOf(operation: Swept, calls: Readonly<Record<FaultKind, number>>): readonly FaultKind[] {
  const kinds = FAULT_KINDS.filter((kind) => {
    // To be killed while reading leaves nothing behind.
    if (operation === 'get') return kind === 'fails' || kind === 'half';
    return calls[kind] > 0 || !READING.includes(operation);
  });
  if (POINTS !== undefined) return kinds;
  const failing = kinds.filter((kind) => kind !== 'killed' && kind !== 'torn');
  const killing = kinds.filter((kind) => kind === 'killed' || kind === 'torn');
  return [failing, killing].flatMap((some) => some[Math.floor(random() * some.length)] ?? []);
}

/** Which calls are to fail: all of them, or some drawn by the seed. */
function pointsOf(calls: number): readonly number[] {
  if (POINTS === 0) return Array.from({ length: calls }, (_, at) => at);
  return calls === 0 ? [] : Array.from({ length: POINTS ?? 1 }, () => Math.floor(random() * calls));
}

/** @throws for anything else than digits: of what is no number nothing would be tried, and all pass. */
function countOf(variable: string): number | undefined {
  const value = process.env[variable];
  if (value !== undefined && !/^\d{1,9}$/.test(value)) throw new Error(`${variable} is a whole number, not "${value}"`);
  return value === undefined ? undefined : Number(value);
}

/** @throws for a name that no operation has: nothing would be tried. */
function namedOperations(names: string | undefined): readonly Swept[] {
  const named = names?.split(',') ?? SWEPT;
  const unknown = named.filter((name) => !SWEPT.some((each) => each === name));
  if (unknown.length > 0) throw new Error(`DBADMIN_TEST_SWEPT names ${unknown.join(', ')}; there are ${SWEPT.join(', ')}`);
  return SWEPT.filter((each) => named.includes(each));
}
