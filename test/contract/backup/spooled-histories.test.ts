import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { spoolWal } from '../../../src/backup/restore/spool-apply.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { readCoverage } from '../../../src/repository/wal-coverage.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { contentOf, nameOf, SEGMENT_BYTES, startOf, SYSTEM } from '../../backup/wal-segments.ts';

test('a promotion takes no number of a timeline that is wholly gone, where a later history still names it', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-spool-'));
  onTestFinished(async () => await rm(directory, { recursive: true }));
  const repository = await makeMemoryRepository();
  const archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
  await archive.putSegment(nameOf(3), contentOf(3), { receivedAt: new Date(0), coveredUntil: undefined });
  await archive.putHistory(3, Buffer.from('1\t0/500000\tfailover\n2\t0/600000\tfailover\n'));
  await spoolWal({
    directory: path.join(directory, 'spool'),
    dataDirectory: path.join(directory, 'data'),
    archive,
    coverage: await readCoverage(repository, SYSTEM, SEGMENT_BYTES),
    lineage: { timeline: 1, history: [] },
    fromLsn: startOf(3),
    untilLsn: startOf(4),
    toEndOfWal: true,
    cutsAtEnd: false,
    owner: undefined,
    signal: new AbortController().signal,
    onSegment: () => undefined,
  });
  expect((await readdir(path.join(directory, 'spool', 'wal'))).sort()).toEqual([nameOf(3), '00000002.history', '00000003.history'].sort());
  expect((await readdir(path.join(directory, 'spool', 'absent'))).sort()).toEqual(
    [nameOf(4), '00000001.history', '00000004.history'].sort(),
  );
});
