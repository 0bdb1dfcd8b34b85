import path from 'node:path';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import { dumpDifference, dumpEverything, dumperAt, dumperOf } from '../../backup/logical-dump.ts';
import {
  backUp,
  makeDirectory,
  makeRepository,
  removeDirectory,
  restore,
  startReceiver,
  type TestReceiver,
} from '../../backup/repository.ts';
import { startRandomWork, WORK_SETTINGS } from '../../backup/random-work.ts';
import { checkIndexes, fingerprint, seededRandom } from '../../backup/workload.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const CHAIN = Number(process.env['DBADMIN_TEST_CHAIN'] ?? '3');
/** One that is read whole and one that tells what changed; npm run test:chain takes all of them. */
const MAJORS = process.env['DBADMIN_TEST_CHAIN'] === undefined ? [14, 18] : [14, 15, 16, 17, 18];
/** A newer one knows the older manifests, and of these majors there is no image. */
const VERIFIER: Readonly<Record<number, number>> = { 14: 15, 16: 17 };
/** Of work before each backup: with four, every kind of step comes once. */
const STEPS = 7;
const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');

describe.each(MAJORS)('incremental backups of PostgreSQL %i', (major) => {
  test(
    `a chain of ${CHAIN} after random work (seed ${SEED}): each restores on its own to what was there`,
    async ({ skip }) => {
      const directory = await makeDirectory();
      const settings = { ...WORK_SETTINGS, ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
      const cluster = await startTestCluster({ major, settings });
      const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
      const unproven = new Set<string>();
      let receiver: TestReceiver | undefined;
      try {
        const repository = await makeRepository(path.join(directory, 'repository'));
        // Where pages are compared only the WAL tells that a database was copied as files.
        receiver = major >= 17 ? undefined : startReceiver(cluster, repository);
        const work = await startRandomWork(cluster, sql, seededRandom(SEED + major), directory);
        const taken: { readonly summary: BackupSummary; readonly rows: readonly string[] }[] = [];
        for (let link = 0; link <= CHAIN; link += 1) {
          await work.run(STEPS);
          const rows = await fingerprint(sql);
          taken.push({ summary: await backUp(cluster, repository), rows });
        }
        expect(taken.map(({ summary }) => summary.kind)).toEqual(['full', ...Array.from({ length: CHAIN }, () => 'incremental')]);
        // What the work changed is in the WAL, and what is read besides leaves hints.
        expect(taken.flatMap(({ summary }) => summary.audit?.mismatches ?? [])).toEqual([]);
        const full = taken[0]?.summary;
        for (const { summary } of taken.slice(1)) expect(summary.storedBytes).toBeLessThan(full?.storedBytes ?? 0);
        for (const { summary, rows } of taken.filter((_, link) => link === CHAIN || link === Math.ceil(CHAIN / 2))) {
          const isLast = summary === taken.at(-1)?.summary;
          const into = path.join(directory, summary.label);
          const clone = await restore({
            repository,
            target: { kind: 'immediate' },
            backup: summary.label,
            into,
            beforeStart: async ({ layout }) => {
              const temporary = [...layout.files].map((file) => file.path).filter((name) => /(?:^|\/)t\d+_\d+|pgsql_tmp/.test(name));
              expect(temporary).toEqual([]);
              const verified = await runClientProgram(VERIFIER[major] ?? major, 'pg_verifybackup', ['-n', into], [directory]);
              if (verified === undefined) unproven.add(`there is no pg_verifybackup of ${major} here`);
              else expect(verified.status, verified.stderr).toBe(0);
            },
          });
          const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
          expect(await fingerprint(reader)).toEqual(rows);
          if (isLast) {
            const [ofSource, ofClone] = [await dumperOf(cluster), await dumperAt(major, clone.url)];
            if (ofSource === undefined || ofClone === undefined) unproven.add(`there is no pg_dump of ${major} or newer here`);
            else {
              const original = await dumpEverything(ofSource, work.databases);
              const restored = await dumpEverything(ofClone, work.databases);
              for (const [name, text] of original) expect(dumpDifference(restored.get(name) ?? '', text), name).toEqual([]);
            }
            for (const database of work.databases) await checkDatabase(`${new URL(database, clone.url)}`);
          } else await checkDatabase(clone.url);
          await reader.end();
          await clone.stop();
        }
      } finally {
        await receiver?.stop();
        await sql.end();
        await cluster.stop();
        await removeDirectory(directory);
      }
      if (unproven.size > 0) skip(`rows and indexes only were compared: ${[...unproven].join(', ')}`);
    },
    120_000 + CHAIN * 15_000,
  );
});

async function checkDatabase(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  expect(await checkIndexes(sql)).toBeGreaterThan(100);
  await sql.end();
}
