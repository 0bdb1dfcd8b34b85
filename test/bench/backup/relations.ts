import { memoryOf, type Bench, type Measured } from './bench.ts';
import { makeCluster } from './cluster.ts';
import { fingerprint, verifyRestored } from './fingerprint.ts';
import { Ours } from './ours.ts';
import type { Figure } from './results.ts';
import { Server } from './server.ts';

/** A table with its primary key is two relations. */
const PER_TABLE = 2;
const TABLES_PER_DATABASE = 10_000;
const TABLES_PER_TRANSACTION = 500;

/** The memory of a backup, an incremental one and a restore of a cluster with very many relations, each of them small. */
export async function relationsRows(bench: Bench): Promise<readonly Figure[]> {
  const { options, peers } = bench;
  const dataDirectory = await makeCluster(peers, 'relations');
  const server = await Server.start(peers, 'relations', dataDirectory);
  try {
    bench.say(`making ${options.relations} relations`);
    await makeRelations(server, options.relations / PER_TABLE);
    const ours = new Ours({ cli: options.cli, peers, server, profileDirectory: options.profileDirectory });
    const repository = await ours.repository('relations');
    const measured: { name: string; ours: Measured }[] = [];
    const measure = async (name: string, work: () => Promise<Measured>): Promise<void> => {
      measured.push({ name, ours: await work() });
      bench.say(`  ${name} ${measured.at(-1)?.ours.seconds.toFixed(1)} s`);
    };
    await measure('full', async () => await repository.backup('full', 1));
    await server.query('update t1 set value = 2; update t2 set value = 2', 'many1');
    const expected = await fingerprint(server);
    await measure('incremental', async () => await repository.backup('incremental', 1));
    const into = peers.path('restored-relations');
    await measure('restore', async () => await repository.restore(into));
    await server.stop();
    await verifyRestored(peers, into, expected);
    await repository.remove();
    return measured.map((each) => memoryOf(`memory with ${options.relations} relations, ${each.name}`, [each]));
  } finally {
    await server.stop();
    await peers.remove('relations');
  }
}

/** Tables in databases of ten thousand: the first is made, the others are copies of it. */
async function makeRelations(server: Server, tables: number): Promise<void> {
  const perDatabase = Math.min(tables, TABLES_PER_DATABASE);
  await server.query('create database many1');
  await server.query(
    `do $$ begin
       for number in 1..${perDatabase} loop
         execute format('create table t%s (id int primary key, value int)', number);
         execute format('insert into t%s values (%s, 1)', number, number);
         if number % ${TABLES_PER_TRANSACTION} = 0 then commit; end if;
       end loop;
     end $$`,
    'many1',
  );
  for (let number = 2; number <= Math.ceil(tables / perDatabase); number += 1)
    await server.query(`create database many${number} template many1 strategy file_copy`);
}
