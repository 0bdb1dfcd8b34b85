import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { runAmcheck } from '../../../src/backup/drill/amcheck-run.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { changeEveryObject, createEveryObject, RICH_DATABASE } from '../../backup/every-object.ts';
import { dumpDifference, dumpEverything, dumperAt, dumperOf } from '../../backup/logical-dump.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { verifyEverything } from '../../backup/verify-report.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const MAJORS = (process.env['DBADMIN_TEST_EVERY_OBJECT'] ?? '14,18').split(',').map(Number);
const DATABASES = ['postgres', 'template1', 'latin', 'third', RICH_DATABASE];

test.for(MAJORS)(
  'PostgreSQL %i: a cluster with every kind of object comes back as it was, after a full backup and an incremental one',
  async (major, { skip }) => {
    const directory = await makeDirectory();
    const settings = { max_prepared_transactions: 5, wal_level: 'logical', ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
    const cluster = await startTestCluster({ major, settings });
    let hasDumps = false;
    try {
      await createEveryObject(cluster);
      const repository = await makeRepository(path.join(directory, 'repository'));
      await backUp(cluster, repository, { kind: 'full' });
      await changeEveryObject(cluster);
      const summary = await backUp(cluster, repository, { kind: 'incremental' });
      expect(summary.kind).toBe('incremental');

      const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, 'clone') });
      try {
        const prepared = async (url: string): Promise<unknown> => {
          const sql = postgres(url, { max: 1 });
          const rows = await sql`select gid, database, owner from pg_prepared_xacts order by gid`;
          await sql.end();
          return [...rows];
        };
        expect(await prepared(clone.url)).toEqual(await prepared(cluster.url()));
        expect(await prepared(clone.url)).toHaveLength(1);

        const [ofSource, ofClone] = [await dumperOf(cluster), await dumperAt(major, clone.url)];
        hasDumps = ofSource !== undefined && ofClone !== undefined;
        if (ofSource !== undefined && ofClone !== undefined) {
          const original = await dumpEverything(ofSource, DATABASES);
          const restored = await dumpEverything(ofClone, DATABASES);
          for (const [name, text] of original) {
            expect(text.length).toBeGreaterThan(500);
            expect(dumpDifference(restored.get(name) ?? '', text), name).toEqual([]);
          }
        }
        const found = await runAmcheck({
          superuser: parametersOf(clone.url),
          databases: DATABASES,
          heapAllIndexed: true,
          signal: new AbortController().signal,
          onChecked: () => undefined,
        });
        expect(found).toMatchObject({ state: 'clean', findings: [] });
      } finally {
        await clone.stop();
      }
      const { cluster: identity } = await inspectLineage(repository, 'main');
      const report = await verifyEverything(repository, identity, systemClock);
      expect(report).toMatchObject({
        isSound: true,
        faults: [],
        soundBackups: [expect.stringContaining('full'), expect.stringContaining('incr')],
      });
    } finally {
      await cluster.stop();
      await removeDirectory(directory);
    }
    if (!hasDumps) skip(`all but the dumps was compared: there is no pg_dump of ${major} or newer here`);
  },
);

function parametersOf(url: string): ConnectionParameters {
  const { hostname, port } = new URL(url);
  return {
    hosts: [{ host: hostname, port: Number(port) }],
    user: 'postgres',
    database: 'postgres',
    password: undefined,
    sslMode: 'disable',
    sslRootCert: undefined,
    sslCert: undefined,
    sslKey: undefined,
    targetSessionAttrs: 'any',
    connectTimeoutMs: 10_000,
    applicationName: 'test',
  };
}
