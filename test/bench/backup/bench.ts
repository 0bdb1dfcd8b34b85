import type { BaseBackups } from './base-backup.ts';
import { fingerprint, verifyRestored } from './fingerprint.ts';
import type { BenchOptions } from './options.ts';
import type { Ours } from './ours.ts';
import type { Peers } from './peers.ts';
import type { PgBackRest } from './pgbackrest.ts';
import type { Figure } from './results.ts';
import { run } from './processes.ts';
import type { Source } from './source.ts';

/** What every group of rows works with. */
export interface Bench {
  readonly options: BenchOptions;
  readonly peers: Peers;
  readonly source: Source;
  readonly ours: Ours;
  readonly pgBackRest: PgBackRest;
  readonly baseBackups: BaseBackups;
  /** A line for whoever watches. */
  say(line: string): void;
}

/** One contender of a round: what is timed, by the name that it is told apart with. */
export type Contender<Name extends string> = readonly [name: Name, work: () => Promise<Measured>];

export interface Measured {
  readonly seconds: number;
  readonly peakRssBytes: number;
}

/**
 * Times each contender once, one after the other, in an order that differs from round to round; before each, what others
 * wrote is on the disk and archived, so that none pays for another.
 */
export async function round<Name extends string>(
  bench: Bench,
  number: number,
  contenders: readonly Contender<Name>[],
): Promise<Record<Name, Measured>> {
  const turned = contenders.map((_, at) => contenders[(at + number) % contenders.length]).filter((each) => each !== undefined);
  const measured: Partial<Record<Name, Measured>> = {};
  for (const [name, work] of turned) {
    await bench.source.settleArchive();
    await bench.source.server.query('checkpoint');
    await run(['sync'], bench.peers.signal);
    measured[name] = await work();
    bench.say(`  ${name} ${measured[name].seconds.toFixed(2)} s`);
  }
  return measured as Record<Name, Measured>;
}

export async function sourceFingerprint(bench: Bench): Promise<ReadonlyMap<string, string>> {
  return await fingerprint(bench.source.server);
}

/** Compares a restored directory with the source; gives what is wrong instead of throwing, so that the other rows go on. */
export async function differenceOf(bench: Bench, directory: string, expected: ReadonlyMap<string, string>): Promise<string | undefined> {
  try {
    await verifyRestored(bench.peers, directory, expected);
    return undefined;
  } catch (error) {
    bench.peers.signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}

/** The rows of `work`, or one that has failed with its error: the other groups go on. */
export async function attempt(bench: Bench, name: string, work: () => Promise<readonly Figure[]>): Promise<readonly Figure[]> {
  try {
    return await work();
  } catch (error) {
    bench.peers.signal.throwIfAborted();
    const failed = error instanceof Error ? error.message : String(error);
    bench.say(`${name} FAILED: ${failed}`);
    return [{ name, unit: 's', ours: [], failed }];
  }
}

/** Ours and one peer's values of each run, as a figure has them. */
export function against<Peer extends string, Value>(
  rounds: readonly Readonly<Record<'ours' | Peer, Value>>[],
  peer: Peer,
  value: (of: Value) => number,
): Pick<Figure, 'ours' | 'peer'> {
  return { ours: rounds.map((each) => value(each.ours)), peer: { name: peer, values: rounds.map((each) => value(each[peer])) } };
}

/** The most memory that our process had in each run. */
export function memoryOf(name: string, rounds: readonly { readonly ours: Measured }[]): Figure {
  return { name, unit: 'MB', ours: rounds.map(({ ours }) => ours.peakRssBytes / MB), target: { kind: 'each-at-most', limit: 350 } };
}

export const MB = 1e6;
