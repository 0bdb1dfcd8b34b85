import path from 'node:path';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { checkIndexes, fingerprint, prepareWorkload, runWorkload, seededRandom } from '../../backup/workload.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const CHAIN = Number(process.env['DBADMIN_TEST_CHAIN'] ?? '3');
/** One that is read whole and one that tells what changed; npm run test:chain takes all of them. */
const MAJORS = process.env['DBADMIN_TEST_CHAIN'] === undefined ? [14, 18] : [14, 15, 16, 17, 18];
const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');

describe.each(MAJORS)('incremental backups of PostgreSQL %i', (major) => {
  test(
    `a chain of ${CHAIN} after random work (seed ${SEED}): each restores on its own to what was there`,
    async () => {
      const directory = await makeDirectory();
      const settings = { autovacuum: 'off', ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
      const cluster = await startTestCluster({ major, settings });
      const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
      try {
        const repository = await makeRepository(path.join(directory, 'repository'));
        const random = seededRandom(SEED + major);
        await prepareWorkload(sql);
        const taken: { readonly summary: BackupSummary; readonly rows: readonly string[] }[] = [];
        for (let link = 0; link <= CHAIN; link += 1) {
          await runWorkload(sql, random, 6);
          const rows = await fingerprint(sql);
          taken.push({ summary: await backUp(cluster, repository), rows });
        }
        expect(taken.map(({ summary }) => summary.kind)).toEqual(['full', ...Array.from({ length: CHAIN }, () => 'incremental')]);
        // What the work changed is in the WAL, and what is read besides leaves hints.
        expect(taken.flatMap(({ summary }) => summary.audit?.mismatches ?? [])).toEqual([]);
        const full = taken[0]?.summary;
        for (const { summary } of taken.slice(1)) expect(summary.storedBytes).toBeLessThan(full?.storedBytes ?? 0);
        for (const { summary, rows } of taken.filter((_, link) => link === CHAIN || link === Math.ceil(CHAIN / 2))) {
          const into = path.join(directory, summary.label);
          const clone = await restore({
            repository,
            target: { kind: 'immediate' },
            backup: summary.label,
            into,
            beforeStart: async () => {
              const verified = await runClientProgram(major, 'pg_verifybackup', ['-n', into], [directory]);
              if (verified !== undefined) expect(verified.status, verified.stderr).toBe(0);
            },
          });
          const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
          expect(await fingerprint(reader)).toEqual(rows);
          expect(await checkIndexes(reader)).toBeGreaterThan(100);
          await reader.end();
          await clone.stop();
        }
      } finally {
        await sql.end();
        await cluster.stop();
        await removeDirectory(directory);
      }
    },
    120_000 + CHAIN * 15_000,
  );
});
