import { LaidFiles } from '../../src/backup/restore/laid-files.ts';
import { planLayout } from '../../src/backup/restore/plan.ts';
import { refuseUnfindable } from '../../src/backup/restore/unfindable.ts';
import { readParentContent } from '../../src/backup/take/parent-inspect.ts';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { scatterFiles } from '../../src/repository/blob-scatter.ts';
import { CompactExtents } from '../../src/repository/compact-extents.ts';
import { ManifestEntries } from '../../src/repository/manifest-entries.ts';
import { writeManifest, type FileEntry } from '../../src/repository/manifest.ts';
import { makeMemoryRepository } from './memory-repository.ts';
import { summaryOf, SYSTEM } from './small-backups.ts';

/**
 * A process of its own that tells what is held of a backup in which every page of each file of 1 GB is an extent of its own, in bytes, by
 * who needs all of them at once, and whether they come back as they were: `node --expose-gc extents-memory.ts <files>`. Prints JSON.
 */

const PAGE = 8192;
const PAGES = 131_072;
const HASHES = Buffer.alloc(64 * 32, 'a page in a blob');

const pathOf = (n: number): string => `base/16384/20000.${n}`;
const blobOf = (page: number): number => (page * 7) % 64;

function* files(count: number): Generator<FileEntry> {
  const attributes = { type: 'file', mode: 0o600, modifiedAt: 1_700_000_000 } as const;
  yield { ...attributes, sizeBytes: PAGE, path: 'global/pg_control', extents: [] };
  for (let n = 0; n < count; n += 1) {
    const extents = Array.from({ length: PAGES }, (_, page) => [page * PAGE, PAGE, blobOf(page), (page % 128) * PAGE] as const);
    yield { ...attributes, sizeBytes: PAGES * PAGE, path: pathOf(n), extents: new CompactExtents(HASHES, extents) };
  }
}

async function heldBytes(): Promise<number> {
  // Buffers are given back a turn of the collector later than what held them.
  for (let turn = 0; turn < 5; turn += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const count = Number(process.argv[2]);
const repository = await makeMemoryRepository();
const backup = summaryOf('20261122T000000Z-full');
await writeManifest(repository, backup, files(count));

const start = await heldBytes();
const parent = await readParentContent(repository, backup);
const parentHeld = (await heldBytes()) - start;
const entries = await ManifestEntries.read(repository, SYSTEM, backup.label);
const entriesHeld = (await heldBytes()) - start - parentHeld;

/** What a call holds when it comes back: what a WeakRef was asked for is held until the turn of the event loop ends. */
function heldBy(call: () => void): number {
  const measured = (): number => {
    for (let turn = 0; turn < 5; turn += 1) globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = measured();
  call();
  return measured() - before;
}

const index = await BlobIndex.load(repository, SYSTEM);
const begun: Promise<void>[] = [];
const planHeld = heldBy(() => {
  const plan = planLayout(backup, entries, '/restored', new Map());
  const laid = new LaidFiles(plan.files, { plan, owner: undefined });
  const { signal } = new AbortController();
  const scatter = { repository, systemIdentifier: SYSTEM, index, files: laid, threads: 1, signal, checksums: false };
  begun.push(scatterFiles({ ...scatter, onBytes: () => undefined, onFile: () => undefined }));
});
// Of what it plans no index knows a blob.
const [{ status } = {}] = await Promise.allSettled(begun);
await heldBytes();
const searchedHeld = heldBy(() => {
  refuseUnfindable(entries, { damaged: ['an index'], entryOf: () => 0 } as unknown as BlobIndex);
});

let differ = 0;
for (let n = 0; n < count; n += 1) {
  let page = 0;
  parent.eachExtent(parent.find(pathOf(n)), (offset, length, _, from) => {
    if (offset !== page * PAGE || length !== PAGE || from !== (page % 128) * PAGE) differ += 1;
    page += 1;
  });
  const { extents } = entries.file(pathOf(n)) ?? { extents: [] };
  if (page !== PAGES || extents.length !== PAGES) differ += 1;
  for (const last of [0, 1, 77_777, PAGES - 1]) {
    const [offset, length, hash, from = 0] = extents.at(last) ?? [];
    if (offset !== last * PAGE || length !== PAGE || from !== (last % 128) * PAGE || hash?.length !== 64) differ += 1;
  }
}
process.stdout.write(
  `${JSON.stringify({ extents: parent.extentCount, differ, status, held: { parent: parentHeld, entries: entriesHeld, plan: planHeld, searched: searchedHeld } })}\n`,
);
