import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { layDown } from '../../../src/backup/restore/lay-down-apply.ts';
import { inspectRestore } from '../../../src/backup/restore/inspect.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { startRandomWork, WORK_SETTINGS } from '../../backup/random-work.ts';
import { seededRandom } from '../../backup/workload.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const CHAIN = Number(process.env['DBADMIN_TEST_CHAIN'] ?? '3');
/** Of work before each backup: with four, every kind of step comes once. */
const STEPS = 7;
const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');

/** Files that each backup has of its own: when it began, and what the server says of itself. */
const OWN = new Set(['backup_label', 'backup_manifest', 'global/pg_control', 'postgresql.auto.conf', 'tablespace_map']);

const HBA = [
  'local all all trust',
  'local replication all trust',
  'host all all 127.0.0.1/32 trust',
  'host replication all 127.0.0.1/32 trust',
];

async function inContainer(cluster: TestCluster, script: string): Promise<string> {
  const result = await cluster.exec('sh', ['-ec', script]);
  if (result === undefined) throw new Error('the server is not in a container');
  expect(result.status, result.stderr).toBe(0);
  return result.stdout;
}

/**
 * The oracle of reconstruction: PostgreSQL's own pg_combinebackup, on a chain of pg_basebackup --incremental taken beside ours.
 * Both read a cluster at rest, so every file of relations has to be the same, byte for byte.
 */
test.for([17, 18])(
  `PostgreSQL %i: a chain of ${CHAIN} rebuilt is what pg_combinebackup makes of its own, byte for byte`,
  { timeout: 120_000 + CHAIN * 15_000 },
  async (major, { skip }) => {
    const directory = await makeDirectory();
    const settings = { ...WORK_SETTINGS, summarize_wal: 'on', bgwriter_lru_maxpages: 0 };
    const cluster = await startTestCluster({ major, settings, hba: HBA });
    if (cluster.provider === 'embedded') {
      await cluster.stop();
      await removeDirectory(directory);
      skip(`there is no pg_combinebackup of ${major} here: the embedded server comes without client programs`);
    }
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    try {
      const repository = await makeRepository(path.join(directory, 'repository'));
      const work = await startRandomWork(cluster, sql, seededRandom(SEED + major), directory);
      const bin = `/usr/lib/postgresql/${major}/bin`;
      await inContainer(cluster, 'mkdir -p /tmp/chain');
      let label = '';
      let mapping = '';
      for (let link = 0; link <= CHAIN; link += 1) {
        await work.run(STEPS);
        const at = (place: string): string => `/tmp/chain/${link}.places/${path.basename(place)}`;
        const places = work.tablespaces.map((place) => `--tablespace-mapping=${place}=${at(place)}`).join(' ');
        mapping = work.tablespaces
          .map((place) => `--tablespace-mapping=${at(place)}=/tmp/combined.places/${path.basename(place)}`)
          .join(' ');
        const parent = link === 0 ? '' : `--incremental=/tmp/chain/${link - 1}/backup_manifest`;
        // Ours asks for the databases, which sets hints on rows that are new.
        await sql`select * from pg_database`;
        // Theirs first and ours second: a backup changes nothing that the other would see, but the catalogs' hints are read into place.
        await inContainer(cluster, `${bin}/pg_basebackup -h /var/run/postgresql -D /tmp/chain/${link} -c fast -X none ${places} ${parent}`);
        ({ label } = await backUp(cluster, repository));
      }
      const links = Array.from({ length: CHAIN + 1 }, (_, link) => `/tmp/chain/${link}`).join(' ');
      await inContainer(cluster, `${bin}/pg_combinebackup ${links} -o /tmp/combined ${mapping}`);
      const sums = await inContainer(cluster, 'cd /tmp/combined && find -L . -type f | xargs sha256sum');
      const theirs = new Map(
        sums
          .trim()
          .split('\n')
          .map((line) => [line.slice(68), line.slice(0, 64)] as const),
      );

      const into = path.join(directory, 'rebuilt');
      const preflight = await inspectRestore({
        repository,
        clusterName: 'main',
        systemIdentifier: undefined,
        target: { kind: 'immediate' },
        exclusive: false,
        backup: label,
        timeline: undefined,
        dataDirectory: into,
        tablespaces: new Map(),
      });
      await layDown({
        plan: preflight.layout,
        blobs: preflight.blobs,
        owner: undefined,
        replaced: new Map(),
        signal: new AbortController().signal,
        onProgress: () => undefined,
      });
      const ours = new Map<string, string>();
      for (const file of preflight.layout.files) {
        ours.set(
          file.path,
          createHash('sha256')
            .update(await readFile(path.join(into, file.path)))
            .digest('hex'),
        );
      }
      const compared = [...theirs.keys()].filter((file) => !OWN.has(file) && !file.startsWith('pg_wal/'));
      const different = compared.filter((file) => ours.get(file) !== theirs.get(file));
      const only = [...ours.keys()].filter((file) => !theirs.has(file) && !OWN.has(file));
      process.stderr.write(`pg_combinebackup ${major}: ${compared.length} files compared after ${CHAIN} incrementals (seed ${SEED})\n`);
      expect(compared.length).toBeGreaterThan(900);
      expect({ different, only }).toEqual({ different: [], only: [] });
    } finally {
      await sql.end();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);
