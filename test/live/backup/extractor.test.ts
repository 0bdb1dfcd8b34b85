import { execFile } from 'node:child_process';
import { appendFile, chmod, chown, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { addKey } from '../../../src/repository/key-objects.ts';
import { startCluster, stopCluster } from '../../../src/postgres/server.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { startStandby } from '../../backup/standby.ts';
import { waitUntilAllStored, waitUntilStored } from '../../backup/stored.ts';
import { fingerprint } from '../../backup/workload.ts';
import { freePort } from '../../postgres/address.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const EXTRACTOR = path.resolve(import.meta.dirname, '..', '..', '..', 'extractor', 'dbadmin-extract.mjs');
const run = promisify(execFile);

test.each([
  ['in the clear', false],
  ['encrypted', true],
])('the extractor alone gives back an incremental backup %s, with the WAL after it, as a cluster that starts', async (_, encrypted) => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 18, settings: { summarize_wal: 'on' } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const place = path.join(directory, 'repository');
    const repository = await makeRepository(place, { encrypted });
    const passphrase = path.join(directory, 'passphrase');
    await writeFile(passphrase, 'correct horse\n');
    if (repository.keys !== undefined) {
      const secret = { kind: 'passphrase', passphrase: new Secret('correct horse') } as const;
      await addKey(repository.store, repository.keys, secret, { note: '', createdAt: new Date() });
    }
    const receiver = startReceiver(cluster, repository);
    await sql`create table t as select g as n, md5(g::text) as t from generate_series(1, 20000) g`;
    await backUp(cluster, repository);
    await sql`update t set n = -n where n % 100 = 0`;
    const { label, kind, systemIdentifier } = await backUp(cluster, repository);
    expect(kind).toBe('incremental');
    await sql`insert into t values (0, 'after the backup')`;
    const rows = await fingerprint(sql);
    await waitUntilAllStored(repository, sql);
    await receiver.stop();

    const into = path.join(directory, 'extracted');
    const key = encrypted ? ['--passphrase-file', passphrase] : [];
    // What a writer that died has begun, and what somebody put there: none of it is in the way.
    for (const stray of [`${systemIdentifier}/backups/aaa`, ...(encrypted ? ['keys/0000000000000000', 'keys/0000000000000001.tmp'] : [])])
      await writeFile(path.join(place, stray), 'garbage');
    await writeFile(path.join(place, 'clusters', `${systemIdentifier}.tmp`), '');
    const listed = await run(process.execPath, [EXTRACTOR, 'list', place, ...key]);
    expect(listed.stdout).toContain(label);
    expect(listed.stderr).toContain('backups/aaa');
    const extracted = await run(process.execPath, [EXTRACTOR, 'extract', place, label, into, ...key]);
    expect(extracted.stdout).toMatch(/extracted .*-incr: \d+ files, \d+ WAL segments/);
    await withStarted(into, async (reader) => expect(await fingerprint(reader)).toEqual(rows));
    if (encrypted) {
      await writeFile(passphrase, 'wrong');
      await expect(run(process.execPath, [EXTRACTOR, 'list', place, ...key])).rejects.toThrow(/opens none of the repository's keys/);
      await expect(run(process.execPath, [EXTRACTOR, 'list', place])).rejects.toThrow(/is encrypted/);
    }
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});

test('a standby that is extracted follows its primary no more, and leaves its slot alone', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 18, provider: 'embedded', settings: { autovacuum: 'off' } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const first = await makeRepository(path.join(directory, 'first'));
    await sql`create table t as select g as n from generate_series(1, 1000) g`;
    await backUp(cluster, first);
    const made = await startStandby(cluster, first, path.join(directory, 'standby'));
    try {
      const repository = await makeRepository(path.join(directory, 'second'));
      const receiver = startReceiver(cluster, repository);
      await sql`checkpoint`;
      const { label } = await backUp(made.standby, repository);
      const [end] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
      await waitUntilStored(repository, parseLsn(end?.lsn ?? ''));
      await receiver.stop();
      await sql`drop table t`;
      const into = path.join(directory, 'extracted');
      await run(process.execPath, [EXTRACTOR, 'extract', path.join(directory, 'second'), label, into]);
      await withStarted(into, async (reader) => {
        const [seen] = await reader<{ n: number; follows: boolean; receivers: number }[]>`
          select (select count(*)::int from t) as n, pg_is_in_recovery() as follows, (select count(*)::int from pg_stat_wal_receiver) as receivers`;
        expect(seen).toEqual({ n: 1000, follows: false, receivers: 0 });
      });
    } finally {
      await made.stop();
    }
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});

/** Starts what was extracted, where a test may ask it something: by itself it listens to nobody. */
async function withStarted(into: string, ask: (reader: postgres.Sql) => Promise<void>): Promise<void> {
  const programs = await embeddedPrograms(18);
  await chownAll(into, programs.runAs);
  const port = await freePort();
  await writeFile(path.join(into, 'pg_hba.conf'), 'local all all trust\nhost all all 127.0.0.1/32 trust\n');
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: into };
  await appendFile(
    path.join(into, 'postgresql.auto.conf'),
    Object.entries(settings)
      .map(([name, value]) => `${name} = '${value}'\n`)
      .join(''),
  );
  await startCluster(programs, into, path.join(path.dirname(into), 'log'));
  try {
    const reader = postgres(`postgresql://postgres@127.0.0.1:${port}/postgres`, { max: 1, onnotice: () => undefined });
    await ask(reader);
    await reader.end();
  } finally {
    await stopCluster(programs, into, 'immediate');
  }
}

async function chownAll(directory: string, user: { readonly uid: number; readonly gid: number } | undefined): Promise<void> {
  await chmod(directory, 0o700);
  if (user === undefined) return;
  await chown(directory, user.uid, user.gid);
  for (const entry of await readdir(directory, { recursive: true })) await chown(path.join(directory, entry), user.uid, user.gid);
}
