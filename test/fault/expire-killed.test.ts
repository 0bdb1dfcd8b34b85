import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { formatLsn, parseLsn } from '../../src/postgres/lsn.ts';
import { segmentName } from '../../src/postgres/segment.ts';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { ensureClusterIdentity } from '../../src/repository/identity.ts';
import { walKey } from '../../src/repository/layout.ts';
import { listLabels } from '../../src/repository/live-blobs.ts';
import { listBackups, writeManifest } from '../../src/repository/manifest.ts';
import { readMarks } from '../../src/repository/marks.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { readCoverage, reachFrom } from '../../src/repository/wal-coverage.ts';
import { commandEnd, runCommand, startCommand } from '../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { fileOf, hashOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../backup/small-backups.ts';

/** The full measure is 30 kills: npm run test:kill. The sample keeps the run short. */
const KILLS = Number(process.env['DBADMIN_TEST_KILLS'] ?? '5');
const SEGMENT_BYTES = 1024 * 1024;
const KEPT = 3;
const PER_ROUND = 6;

const content = (n: number): Buffer => Buffer.from(`page ${n} `.repeat(60));

/** Backups that share some of their content, each with a segment of WAL. */
async function addBackups(repository: Repository, round: number): Promise<void> {
  for (let n = 0; n < PER_ROUND; n += 1) {
    const serial = round * PER_ROUND + n;
    const contents = Array.from({ length: 40 }, (_, k) => content(k * 10_000 + Math.floor((serial + k) / 9)));
    const known = await BlobIndex.load(repository, SYSTEM, { skipPacks: await readMarks(repository, SYSTEM) });
    const missing = contents.filter((each) => known.find(hashOf(each)) === undefined);
    await writePacks(repository, missing, new Date());
    const start = BigInt(serial + 3) * BigInt(SEGMENT_BYTES);
    await repository.store.create(walKey(SYSTEM, segmentName(1, start, SEGMENT_BYTES)), Buffer.from('wal'));
    const label = `backup-${String(serial).padStart(5, '0')}`;
    const times = { finishedAt: new Date().toISOString(), startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) };
    await writeManifest(repository, summaryOf(label, times), [fileOf(contents)]);
  }
}

/** Everything that is listed is whole, with the WAL that it needs. */
async function expectSound(repository: Repository): Promise<readonly string[]> {
  const labels = await readAllBackups(repository);
  const coverage = await readCoverage(repository, SYSTEM, SEGMENT_BYTES);
  for (const { startLsn, stopLsn } of await listBackups(repository, SYSTEM))
    expect(reachFrom(coverage.timelines.get(1), parseLsn(startLsn))).toBeGreaterThan(parseLsn(stopLsn));
  return labels;
}

/** Resolves when a run is about to remove something. */
async function planShown(child: ChildProcess): Promise<void> {
  let shown = '';
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (data: Buffer) => {
      shown += data.toString();
      if (shown.includes('WAL that no backup needs')) resolve();
    });
    child.once('close', () => resolve());
  });
}

test(`backup expire --apply killed with SIGKILL at ${KILLS} moments: everything that is listed stays readable, and the next run goes on`, async () => {
  const directory = await makeDirectory();
  const place = path.join(directory, 'repository');
  const config = path.join(directory, 'dbadmin.yaml');
  const repository = await makeRepository(place);
  try {
    await writeFile(
      config,
      `version: 1\nclusters:\n  main: { url: "postgresql://nobody@127.0.0.1:1/x", repositories: [local] }\nrepositories:\n  local: { type: disk, path: ${JSON.stringify(place)} }\n`,
    );
    await ensureClusterIdentity(repository, {
      systemIdentifier: SYSTEM,
      name: 'main',
      serverVersion: 180004,
      walSegmentBytes: SEGMENT_BYTES,
    });
    const words = ['backup', 'expire', '--apply', '--keep', `last=${KEPT}`, '--grace', '200ms', '--config', config];
    await addBackups(repository, 0);
    const whole = startCommand(words);
    const end = commandEnd(whole);
    await planShown(whole);
    const startedMs = Date.now();
    expect(await end).toMatchObject({ status: 0 });
    const lengthMs = Date.now() - startedMs;
    const interrupted = { before: 0, midway: 0, after: 0 };
    for (let kill = 0; kill < KILLS; kill += 1) {
      await addBackups(repository, kill + 1);
      const before = await expectSound(repository);
      const child = startCommand(words);
      const ending = commandEnd(child);
      await planShown(child);
      await new Promise((resolve) => setTimeout(resolve, (kill / KILLS) * lengthMs));
      child.kill('SIGKILL');
      await ending;
      const after = await expectSound(repository);
      expect(before.slice(-KEPT).every((label) => after.includes(label))).toBe(true);
      interrupted[after.length === before.length ? 'before' : after.length === KEPT ? 'after' : 'midway'] += 1;
    }
    process.stderr.write(
      `from the plan to the end a run takes ${lengthMs} ms; killed before, amid and after the removal of backups: ${Object.values(interrupted).join(', ')}\n`,
    );
    for (let rest = 0; rest < 4; rest += 1) {
      const end = await runCommand(words);
      expect(end.status, end.stderr).toBe(0);
      await expectSound(repository);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(await listLabels(repository, SYSTEM)).toHaveLength(KEPT);
    expect((await readMarks(repository, SYSTEM)).size).toBe(0);
  } finally {
    await repository.store.close();
    await removeDirectory(directory);
  }
}, 1_800_000);
