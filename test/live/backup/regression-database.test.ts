import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { runAmcheck } from '../../../src/backup/drill/amcheck-run.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { dumpDifference, dumpEverything, dumperAt } from '../../backup/logical-dump.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { verifyEverything } from '../../backup/verify-report.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { fetchRegression, regressionScripts, runRegression } from '../../postgres/regression-database.ts';

/*
 * PostgreSQL's own regression database, with whatever its authors thought of: backed up half way, and again at the end, and restored. It
 * takes minutes and a download, so it runs on demand: npm run test:regression-backup.
 */
const WANTED = process.env['DBADMIN_TEST_REGRESSION'] ?? '';
const MAJORS = (process.env['DBADMIN_TEST_REGRESSION_MAJORS'] ?? '14,15,16,17,18').split(',').map(Number);
const DATABASES = ['regression', 'postgres', 'template1'];

/** They make servers end on purpose, or leave nothing behind and take minutes. */
const LEFT_OUT = /^(?:infinite_recurse|stats|.*sanity.*|oidjoins)$/;

if (WANTED === '') it("a backup of PostgreSQL's regression database", ({ skip }) => skip('on demand: npm run test:regression-backup'));

describe.skipIf(WANTED === '')("PostgreSQL's regression database", () => {
  let directory: string;
  let regress: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    regress = await fetchRegression(WANTED, directory);
  }, 900_000);
  afterAll(async () => await removeDirectory(directory));

  test.for(MAJORS)(
    'on %i: comes back as it was, after a full backup half way and an incremental one',
    { timeout: 1_800_000 },
    async (major) => {
      const place = path.join(directory, String(major));
      await mkdir(place);
      await chmod(place, 0o777);
      // Its rows come from files that the server reads: it has to be one of this machine.
      const cluster = await startTestCluster({
        major,
        provider: 'embedded',
        settings: { fsync: 'off', max_prepared_transactions: 5, max_wal_size: '4GB', ...(major >= 17 ? { summarize_wal: 'on' } : {}) },
      });
      try {
        const admin = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
        await admin.unsafe('create database regression template template0');
        const names = (await regressionScripts(regress)).filter((name) => !LEFT_OUT.test(name));
        const half = Math.floor(names.length / 2);
        const run = { regress, url: cluster.url('regression'), directory: place };
        const repository = await makeRepository(path.join(place, 'repository'));
        await runRegression({ ...run, names: names.slice(0, half) });
        await backUp(cluster, repository, { kind: 'full' });
        await runRegression({ ...run, names: names.slice(half) });
        // What the scripts leave prepared holds locks that a dump waits for.
        for (const { gid, database } of await admin`select gid, database from pg_prepared_xacts`) {
          const other = postgres(cluster.url(String(database)), { max: 1 });
          await other.unsafe(`rollback prepared '${String(gid).replaceAll("'", "''")}'`);
          await other.end();
        }
        const incremental = await backUp(cluster, repository, { kind: 'incremental' });
        expect(incremental.kind).toBe('incremental');
        // It reads everything, and compares that with what the incremental one makes of it.
        const audited = await backUp(cluster, repository, { kind: 'full' });
        expect(audited.audit).toMatchObject({ comparedWith: incremental.label, mismatches: [] });
        const [row] = await admin<{ megabytes: number }[]>`select pg_database_size('regression')::int / 1000000 as megabytes`;
        await admin.end();
        const ofSource = await dumperAt(major, cluster.url());
        if (ofSource === undefined) throw new Error(`there is no pg_dump of ${major} or newer here`);
        const original = await dumpEverything(ofSource, DATABASES);
        expect(original.get('regression')?.length).toBeGreaterThan(1_000_000);
        const check = async (url: string): ReturnType<typeof runAmcheck> =>
          await runAmcheck({
            superuser: { ...cluster.parameters(), hosts: [{ host: new URL(url).hostname, port: Number(new URL(url).port) }] },
            databases: DATABASES,
            heapAllIndexed: true,
            signal: new AbortController().signal,
            onChecked: () => undefined,
          });
        // Some of its operator classes are wrong on purpose.
        const known = await check(cluster.url());

        for (const { label } of [incremental, audited]) {
          const into = path.join(place, `clone-${label}`);
          const clone = await restore({ repository, target: { kind: 'latest' }, backup: label, into });
          try {
            const ofClone = await dumperAt(major, clone.url);
            const restored = ofClone === undefined ? undefined : await dumpEverything(ofClone, DATABASES);
            for (const [name, text] of original) expect(dumpDifference(restored?.get(name) ?? '', text), `${label} ${name}`).toEqual([]);
            const found = await check(clone.url);
            expect(found).toEqual(known);
            process.stderr.write(
              `regression database on ${major}, ${row?.megabytes} MB, ${label}: amcheck ${found.state}, as the source\n`,
            );
          } finally {
            await clone.stop();
          }
        }
        const { cluster: identity } = await inspectLineage(repository, 'main');
        const report = await verifyEverything(repository, identity, systemClock);
        expect(report).toMatchObject({ isSound: true, faults: [] });
      } finally {
        await cluster.stop();
      }
    },
  );
});
