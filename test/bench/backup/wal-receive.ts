import { readFile, rm } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { memoryOf, MB, round, type Bench, type Measured } from './bench.ts';
import type { OurRepository } from './ours.ts';
import { endGroup, type Ended } from './processes.ts';
import type { Figure } from './results.ts';

type Contenders = 'ours' | 'pg_receivewal -Z 1' | 'pg_receivewal -Z lz4';

const OUR_SLOT = 'dbadmin';
/** The peer's slots, and how it compresses: zlib's level 1 is the fastest that a bare `-Z` means. */
const PEERS = [
  { name: 'pg_receivewal -Z 1', slot: 'peer_gzip', compress: '1' },
  { name: 'pg_receivewal -Z lz4', slot: 'peer_lz4', compress: 'lz4' },
] as const;
/** Rounds of work whose WAL is received at once: enough that the start of a process does not count. */
const ROUNDS_OF_WORK = 4;

/**
 * How fast WAL that waits on the server is received and made durable: each contender has a slot, sleeps while the work is
 * done, and then catches up to the same end of a segment.
 */
export async function walReceiveRows(bench: Bench): Promise<readonly Figure[]> {
  const { options, source } = bench;
  const { server } = source;
  await source.archiveTo('/bin/true');
  const slots = [OUR_SLOT, ...PEERS.map(({ slot }) => slot)];
  const dropSlots = async (): Promise<void> =>
    void (await server.query(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name in ('${slots.join("','")}')`,
    ));
  await dropSlots();
  const repository = await bench.ours.repository('wal');
  const directories = Object.fromEntries(
    await Promise.all(PEERS.map(async ({ name, slot }) => [name, await bench.peers.directory(slot)] as const)),
  );
  try {
    // Not with pg_receivewal --create-slot, which keeps no WAL until something was received.
    for (const { slot } of PEERS) await server.query(`select pg_create_physical_replication_slot('${slot}', true)`);
    await receive(bench, repository, '0/0');
    const peer = async (each: (typeof PEERS)[number], end: string): Promise<Measured> =>
      await bench.peers.run('pg_receivewal', [
        ...server.connectArguments,
        `--slot=${each.slot}`,
        `--compress=${each.compress}`,
        `--endpos=${end}`,
        '--no-loop',
        '-D',
        directories[each.name] ?? '',
      ]);
    // Everybody begins at the same place. Not where its slot stands: pg_receivewal goes on where its files end.
    let begin = (await endOfSegment(bench)).end;
    await receive(bench, repository, begin);
    for (const each of PEERS) await peer(each, begin);
    const speeds: Record<Contenders, number>[] = [];
    const measured: Record<Contenders, Measured>[] = [];
    let failed: string | undefined;
    for (let number = 0; number < options.runs; number += 1) {
      bench.say(`WAL receive, run ${number + 1} of ${options.runs}`);
      for (let each = 0; each < ROUNDS_OF_WORK; each += 1) await source.work(options.transactions);
      const last = await endOfSegment(bench);
      const { end } = last;
      const megabytes = (await bytesBetween(bench, begin, end)) / MB;
      begin = end;
      const times = await round<Contenders>(bench, number, [
        ['ours', async () => await receive(bench, repository, end)],
        [PEERS[0].name, async () => await peer(PEERS[0], end)],
        [PEERS[1].name, async () => await peer(PEERS[1], end)],
      ]);
      measured.push(times);
      speeds.push({
        ours: megabytes / times.ours.seconds,
        [PEERS[0].name]: megabytes / times[PEERS[0].name].seconds,
        [PEERS[1].name]: megabytes / times[PEERS[1].name].seconds,
      });
      failed ??= await differenceOfSegment(bench, repository, last);
    }
    return [...PEERS.map(({ name }) => row(name, speeds, failed)), memoryOf('memory of wal receive', measured)];
  } finally {
    await dropSlots();
    await repository.remove();
    for (const { slot } of PEERS) await bench.peers.remove(slot);
  }
}

function row(name: (typeof PEERS)[number]['name'], speeds: readonly Record<Contenders, number>[], failed: string | undefined): Figure {
  return {
    name: 'WAL receive, sustained',
    unit: 'MB/s',
    ours: speeds.map(({ ours }) => ours),
    peer: { name, values: speeds.map((each) => each[name]) },
    ...(name === PEERS[0].name ? { target: { kind: 'ratio-at-least', limit: 1 } } : {}),
    ...(failed === undefined ? {} : { failed }),
  };
}

/** Runs `wal receive` until it has told the server that all before `end` is safe, and stops it. */
async function receive(bench: Bench, repository: OurRepository, end: string): Promise<Ended> {
  const { child, ended } = repository.start(['wal', 'receive'], [0, 130, 143]);
  const startedAt = performance.now();
  const isOver = ended.then(
    () => true,
    () => true,
  );
  try {
    const safe = bench.source.server.query(
      `do $$ begin
         while not exists (select from pg_replication_slots where slot_name = '${OUR_SLOT}' and active and restart_lsn >= '${end}')
         loop perform pg_sleep(0.02); end loop;
       end $$`,
    );
    if (await Promise.race([isOver, safe.then(() => false)])) throw new Error(`wal receive ended: ${(await ended).stderr}`);
    const seconds = (performance.now() - startedAt) / 1000;
    child.kill('SIGTERM');
    return { ...(await ended), seconds };
  } finally {
    endGroup(child, 'SIGTERM');
  }
}

interface Segment {
  /** LSN of its end. */
  readonly end: string;
  readonly segment: string;
  readonly content: Buffer;
}

/** Closes the segment being written. */
async function endOfSegment({ source: { server } }: Bench): Promise<Segment> {
  const [segment = ''] = await server.query('select pg_walfile_name(pg_switch_wal())');
  const [end = ''] = await server.query(
    `select '0/0'::pg_lsn + (('x' || substr('${segment}', 9, 8))::bit(32)::bigint * 4294967296 + (('x' || substr('${segment}', 17))::bit(32)::bigint + 1) * 16777216)`,
  );
  // Read now: once everybody has it the server gives it up.
  return { end, segment, content: await readFile(`${server.dataDirectory}/pg_wal/${segment}`) };
}

async function bytesBetween({ source: { server } }: Bench, begin: string, end: string): Promise<number> {
  const [bytes = '0'] = await server.query(`select pg_lsn '${end}' - pg_lsn '${begin}'`);
  return Number(bytes);
}

/** What the repository has of a segment against what the server had; undefined when it is the same. */
async function differenceOfSegment(bench: Bench, repository: OurRepository, { segment, content }: Segment): Promise<string | undefined> {
  const fetched = bench.peers.path('fetched-segment');
  try {
    await repository.command(['wal', 'get', segment, fetched]);
    return (await readFile(fetched)).equals(content) ? undefined : `WAL segment ${segment} differs from the server's`;
  } finally {
    await rm(fetched, { force: true });
  }
}
