import { expect, test } from 'vitest';
import { BlobIntake } from '../../../src/backup/take/blob-intake.ts';
import { ContentSink } from '../../../src/backup/take/content-sink.ts';
import { BlobPipeline } from '../../../src/repository/blob-pipeline.ts';

test.for([
  ['all of a cluster', false, 5000],
  ['its changes, whose number nobody knows', true, undefined],
] as const)('how much is to come of %s', async ([, isIncremental, total]) => {
  const told: (number | undefined)[] = [];
  const intake = {
    blobs: new BlobIntake(new BlobPipeline([]), [], 'mark'),
    blockBytes: 8192,
    relationSegmentBlocks: 131_072,
    comparison: undefined,
    pageHashKey: undefined,
    onFile: () => undefined,
  };
  const sink = new ContentSink(intake, isIncremental, { begin: () => undefined, progress: (_done, of) => void told.push(of) });
  await sink.begin({ startLsn: 0n, timeline: 1, tablespaces: [], totalBytes: 5000 });
  // What a killed restore left is not taken, and came all the same.
  sink.entry({ path: 'dbadmin_restore.json', type: 'file', sizeBytes: 3, mode: 0o600, modifiedAt: 0, linkTarget: undefined }, undefined);
  await sink.data(Buffer.from('abc'));
  expect(told).toEqual([total]);
});
